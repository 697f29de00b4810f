//! Moving the demo's clock, so that tomorrow's calls can be seen today.

use clap::Subcommand;
use shared::config::{Demo, Environment, Owner};
use shared::db::demo_clock;

/// What to do with the clock.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Act {
    /// Move it ahead: `8h`, `30m`, `2d`.
    Advance {
        /// By how much.
        by: String,
    },
    /// Show it.
    Show,
    /// Put it back to the time that it is. Calls that were dialled in the demo's future then lie ahead.
    Reset,
}

/// Moves or shows the clock. Refused unless `DEMO=1`.
pub(crate) async fn run(environment: &Environment, act: Act) -> anyhow::Result<()> {
    let (demo, owner) = environment.read(|env| {
        let (demo, owner) = (Demo::read(env), Owner::read(env));
        Some((demo?, owner?))
    })?;
    anyhow::ensure!(demo.on, "the clock is moved in a demo only: set DEMO=1");
    let url = owner.url.expose();
    let now = match act {
        Act::Advance { by } => {
            let minutes = minutes(&by).ok_or_else(|| {
                anyhow::anyhow!("expected a whole number and m, h or d: 30m, 8h, 2d; at most 366d")
            })?;
            demo_clock::advance(url, chrono::Duration::minutes(minutes)).await?
        }
        Act::Show => demo_clock::advance(url, chrono::Duration::zero()).await?,
        Act::Reset => demo_clock::reset(url).await?,
    };
    println!("{}", now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    Ok(())
}

fn minutes(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        _ => return None,
    };
    let count: u16 = text[..text.len() - 1].parse().ok()?;
    let minutes = i64::from(count) * unit;
    (1..=366 * 24 * 60).contains(&minutes).then_some(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        for (text, expected) in [
            ("8h", Some(480)),
            ("30m", Some(30)),
            ("2d", Some(2880)),
            ("0h", None),
            ("8", None),
            ("-1h", None),
            ("400d", None),
            ("8µ", None),
            ("", None),
        ] {
            assert_eq!(minutes(text), expected, "{text}");
        }
    }
}
