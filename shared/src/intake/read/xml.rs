//! Parts of a workbook: XML, pulled event by event from an archive, never more of it than is allowed.

use std::io::{BufRead, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::ReadError;

/// A workbook's archive.
pub(super) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// What happens in a part, as far as it is of interest here.
pub(super) enum Step {
    /// An element begins; its attributes are in [`Part::attribute`].
    Open(String),
    /// An element ends.
    Close(String),
    /// Text, with its references resolved.
    Text(String),
    /// The part is over.
    End,
}

/// A part that is being read.
pub(super) struct Part<R: BufRead> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    attributes: Vec<(String, String)>,
}

/// Opens a part; none if the workbook has no such part. `most`: bytes that it may unpack to.
pub(super) fn open<'a, 'b>(
    archive: &'a mut Archive<'b>,
    name: &str,
    most: u64,
) -> Result<Option<Part<impl BufRead + use<'a, 'b>>>, ReadError> {
    let Some(index) = archive.index_for_name(name) else { return Ok(None) };
    let file = archive.by_index(index).map_err(|_| ReadError::BadWorkbook)?;
    // What the directory says is checked to save work; what comes out is what counts.
    if file.size() > most {
        return Err(ReadError::WorkbookTooLarge);
    }
    let bounded = BufReader::new(Bounded { inner: file, left: most });
    let mut reader = Reader::from_reader(bounded);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    Ok(Some(Part { reader, buffer: Vec::new(), attributes: Vec::new() }))
}

/// Gives an error of its own when more is read than is allowed.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::FileTooLarge))?;
        Ok(read)
    }
}

impl<R: BufRead> Part<R> {
    /// The next thing that happens.
    pub(super) fn step(&mut self) -> Result<Step, ReadError> {
        loop {
            self.buffer.clear();
            let event =
                self.reader.read_event_into(&mut self.buffer).map_err(|error| broken(&error))?;
            return Ok(match event {
                Event::Start(element) => {
                    self.attributes = attributes(&element)?;
                    Step::Open(name(element.local_name().as_ref()))
                }
                Event::End(element) => Step::Close(name(element.local_name().as_ref())),
                Event::Text(text) => {
                    Step::Text(text.decode().map_err(|_| ReadError::BadWorkbook)?.into_owned())
                }
                Event::CData(text) => {
                    Step::Text(text.decode().map_err(|_| ReadError::BadWorkbook)?.into_owned())
                }
                Event::GeneralRef(reference) => {
                    let letter =
                        reference.resolve_char_ref().map_err(|_| ReadError::BadWorkbook)?;
                    let named = || {
                        let name = reference.decode().ok()?;
                        quick_xml::escape::resolve_xml_entity(&name).map(str::to_owned)
                    };
                    let text = letter.map(String::from).or_else(named);
                    Step::Text(text.ok_or(ReadError::BadWorkbook)?)
                }
                Event::Eof => Step::End,
                // Entities of its own are how small files become large ones.
                Event::DocType(_) => return Err(ReadError::BadWorkbook),
                _ => continue,
            });
        }
    }

    /// An attribute of the element that [`Step::Open`] told of last, by its name without prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, ReadError> {
    let read = |attribute: Result<quick_xml::events::attributes::Attribute<'_>, _>| {
        let attribute = attribute.map_err(|_| ReadError::BadWorkbook)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|_| ReadError::BadWorkbook)?.into_owned();
        Ok((name(attribute.key.local_name().as_ref()), value))
    };
    element.attributes().map(read).collect()
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn broken(error: &quick_xml::Error) -> ReadError {
    match error {
        quick_xml::Error::Io(io) if io.kind() == std::io::ErrorKind::FileTooLarge => {
            ReadError::WorkbookTooLarge
        }
        _ => ReadError::BadWorkbook,
    }
}
