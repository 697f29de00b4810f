//! What is shown beside a password: a code of the app, or a recovery code.

use shared::crypto::{Phi, TenantField, TenantKeys};
use shared::db::EngineTx;
use shared::people::secret::RecoveryCode;
use shared::people::store::factor;
use shared::people::store::sign_in::Credentials;
use shared::people::totp::TotpSecret;

use crate::http::Problem;

/// Longer than any code.
pub(crate) const MOST_CODE: usize = 64;

/// A code of the second factor, or one that stands in for it.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    code: Option<Phi<String>>,
    recovery_code: Option<Phi<String>>,
}

impl Shown {
    /// What a body held.
    pub(crate) fn new(code: Option<Phi<String>>, recovery_code: Option<Phi<String>>) -> Self {
        Self { code, recovery_code }
    }

    /// Neither was sent.
    pub(crate) fn is_nothing(&self) -> bool {
        self.code.is_none() && self.recovery_code.is_none()
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The user has no second factor.
    NotAsked,
    /// It was right, and will not be right again.
    Shown,
    /// It was wrong, or right once before.
    Wrong,
}

/// Looks at what was shown, and uses it up in the transaction that does what it is shown for.
pub(crate) async fn use_up(
    tx: &mut EngineTx,
    platform: &TenantKeys,
    known: &Credentials,
    shown: &Shown,
) -> Result<Step, Problem> {
    if !known.totp_confirmed {
        return Ok(Step::NotAsked);
    }
    let right = match shown {
        Shown { code: Some(code), .. } => {
            match step_of(tx, platform, known, code.expose()).await? {
                Some(step) => factor::use_step(tx, known.user, step).await?,
                None => false,
            }
        }
        Shown { recovery_code: Some(code), .. } => match RecoveryCode::parse(code.expose()) {
            Some(code) => factor::use_recovery_code(tx, known.user, &code.hash()).await?,
            None => false,
        },
        Shown { .. } => false,
    };
    Ok(if right { Step::Shown } else { Step::Wrong })
}

/// The time step of a code of the user's secret, confirmed or not; `None` if it is wrong or was used before.
pub(crate) async fn step_of(
    tx: &mut EngineTx,
    platform: &TenantKeys,
    known: &Credentials,
    code: &str,
) -> Result<Option<i64>, Problem> {
    let Some(sealed) = &known.totp else { return Ok(None) };
    let secret = platform.open(TenantField::TotpSecret, known.user.0, sealed)?;
    let secret = TotpSecret::from_bytes(secret);
    Ok(secret.step_of(code, tx.now().await?, known.totp_step))
}
