//! Measures the engine. Being written.

/// What a run is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

/// Measures.
///
/// # Errors
/// Something could not be measured.
pub(crate) async fn run(_options: Options) -> anyhow::Result<()> {
    Ok(())
}
