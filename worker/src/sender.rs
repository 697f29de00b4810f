//! A process that may dial holds a lock on a file of its own, for as long as it lives. The kernel gives it up when the
//! process is gone, however it went, and keeps it while the process is frozen: so who takes it has proof.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use shared::ids::SenderId;
use uuid::Uuid;

/// The lock files of this host.
#[derive(Debug)]
pub struct Locks {
    dir: PathBuf,
    host: Uuid,
    /// Held until the process ends.
    _own: File,
    /// Taken from the dead, until that is written down.
    taken: Mutex<HashMap<SenderId, File>>,
}

impl Locks {
    /// Takes the lock of `sender`. The host's id is made on the first start, and lies in the same directory: a copy of
    /// the directory on another host would be another host that claims to be this one, so don't copy it.
    ///
    /// # Errors
    /// The directory or a file in it can't be made, or the lock is taken.
    pub fn take(state_dir: &Path, sender: SenderId) -> std::io::Result<Self> {
        let dir = state_dir.join("senders");
        std::fs::create_dir_all(&dir)?;
        let host = host_id(&state_dir.join("host-id"))?;
        let own =
            File::options().write(true).create(true).truncate(false).open(path_of(&dir, sender))?;
        own.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => std::io::Error::other("the lock of a new sender is taken"),
        })?;
        Ok(Self { dir, host, _own: own, taken: Mutex::default() })
    }

    /// The host, as senders are registered under it.
    pub fn host(&self) -> Uuid {
        self.host
    }

    /// Whether `sender`, of this host, is dead: its lock could be taken. A missing file proves nothing.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn is_dead(&self, sender: SenderId) -> std::io::Result<bool> {
        let file = match File::options().write(true).open(path_of(&self.dir, sender)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => {
                self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(sender, file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The death is written down: the file has served.
    pub fn forget(&self, sender: SenderId) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&sender);
        // A file that stays is a few bytes, and never mistaken for anybody else's.
        let _ = std::fs::remove_file(path_of(&self.dir, sender));
    }
}

fn path_of(dir: &Path, sender: SenderId) -> PathBuf {
    dir.join(format!("{sender}.lock"))
}

fn host_id(path: &Path) -> std::io::Result<Uuid> {
    let read = |text: String| {
        text.trim().parse().map_err(|_| std::io::Error::other("host-id is not a UUID"))
    };
    match std::fs::read_to_string(path) {
        Ok(text) => read(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // Two processes may start at once: the link fails for the second, which then reads the first one's.
            let draft = path.with_extension(Uuid::now_v7().to_string());
            std::fs::write(&draft, Uuid::now_v7().to_string())?;
            let linked = std::fs::hard_link(&draft, path);
            std::fs::remove_file(&draft)?;
            match linked {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
                _ => read(std::fs::read_to_string(path)?),
            }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_sender_cannot_be_proved_dead() {
        let dir = std::env::temp_dir().join(format!("vio-sender-{}", Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        let (alive, gone, never) = (SenderId::new(), SenderId::new(), SenderId::new());
        let first = Locks::take(&dir, alive).unwrap();
        drop(Locks::take(&dir, gone).unwrap());

        let second = Locks::take(&dir, SenderId::new()).unwrap();

        assert_eq!(first.host(), second.host());
        assert!(!second.is_dead(alive).unwrap(), "it holds its lock");
        assert!(second.is_dead(gone).unwrap(), "the kernel gave its lock up");
        assert!(!second.is_dead(never).unwrap(), "no file, no proof");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
