//! How much of everything there may be.

use std::time::Duration;

/// Bounds of live updates, of one process.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sockets of the process. Each takes some 10 kB.
    pub sockets: usize,
    /// Sockets of one tenant in this process.
    pub sockets_of_a_tenant: usize,
    /// Events that are kept as frames for each tenant, and are no older than [`Limits::keep`].
    pub ring: usize,
    /// How long frames are kept.
    pub keep: Duration,
    /// Most events that a resuming client is sent, and that the reader may be behind. Beyond, reading everything anew is cheaper
    /// for both sides. No more than [`Limits::ring`].
    pub most_missed: usize,
    /// How long a client may leave us unable to write.
    pub patience: Duration,
    /// How long a client may take for its first message.
    pub opening: Duration,
    /// How often an idle socket is told how far it is, and is pinged.
    pub beat: Duration,
    /// How long nothing may be heard of a client, answers to pings included.
    pub silence: Duration,
    /// How often is asked for events whose signal was lost.
    pub net: Duration,
    /// How often is asked whose access has ended, besides when PostgreSQL tells.
    pub access: Duration,
    /// For how long a ticket may be redeemed.
    pub ticket: Duration,
    /// Web pages that may connect, as browsers name them: `https://host`. Programs send no origin.
    pub origins: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: 4_000,
            sockets_of_a_tenant: 500,
            ring: 1_024,
            keep: Duration::from_secs(60),
            most_missed: 512,
            patience: Duration::from_secs(10),
            opening: Duration::from_secs(10),
            beat: Duration::from_secs(20),
            silence: Duration::from_secs(60),
            net: Duration::from_secs(1),
            access: Duration::from_secs(5),
            ticket: Duration::from_secs(30),
            origins: Vec::new(),
        }
    }
}
