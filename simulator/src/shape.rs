//! A call as the vendor writes it: in the reply to its creation, in get-call, in lists and in webhooks.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::call::{Call, Stage};
use crate::dice::{Question, mix};
use crate::scenario::{Outcome, Sentiment};
use crate::transcript::{self, Turn};

/// How much is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Everything.
    Full,
    /// An item of a list: no transcripts.
    Item,
}

/// The vendor's call object. Field order follows its samples.
#[derive(Serialize)]
pub(crate) struct Shape<'a> {
    call_type: &'static str,
    from_number: crate::number::Number,
    to_number: crate::number::Number,
    direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    telephony_identifier: Option<Telephony>,
    call_id: &'a str,
    agent_id: &'a str,
    agent_name: &'static str,
    agent_version: u64,
    call_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retell_llm_dynamic_variables: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collected_dynamic_variables: Option<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_sip_headers: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_storage_setting: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opt_in_signed_url: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript_object: Option<Vec<Turn>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript_with_tool_calls: Option<Vec<Turn>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_log_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnection_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_cost: Option<Cost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    llm_token_usage: Option<TokenUsage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_analysis: Option<Analysis>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Telephony {
    twilio_call_sid: String,
}

#[derive(Serialize)]
struct Cost {
    product_costs: [ProductCost; 1],
    total_duration_seconds: i64,
    total_duration_unit_price: f64,
    combined_cost: f64,
}

#[derive(Serialize)]
struct ProductCost {
    product: &'static str,
    unit_price: f64,
    cost: f64,
}

#[derive(Serialize)]
struct TokenUsage {
    values: [u32; 1],
    average: u32,
    num_requests: u32,
}

#[derive(Serialize)]
struct Analysis {
    call_summary: &'static str,
    in_voicemail: bool,
    user_sentiment: Sentiment,
    call_successful: bool,
    custom_analysis_data: Answers,
}

/// What our agent is told to find out. Empty where nobody talked, as the vendor has it.
#[derive(Serialize, Default)]
pub(crate) struct Answers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) appointment_action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opt_out: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wrong_number: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) follow_up_required: Option<bool>,
}

impl Call {
    /// As it stands at `stage`.
    pub(crate) fn shape<'a>(
        &'a self,
        call_id: &'a str,
        metadata: Option<&'a RawValue>,
        stage: Stage,
        detail: Detail,
    ) -> Shape<'a> {
        let over = stage >= Stage::Ended;
        let talked = over && self.answered_at.is_some();
        let said = talked && detail == Detail::Full;
        let outcome = self.scenario.outcome;
        Shape {
            call_type: "phone_call",
            from_number: self.from,
            to_number: self.to,
            direction: "outbound",
            telephony_identifier: (over && self.dialled_at.is_some()).then(|| self.telephony()),
            call_id,
            agent_id: &self.agent.id,
            agent_name: "Simulated agent",
            agent_version: self.agent.version,
            call_status: self.status(stage),
            metadata,
            retell_llm_dynamic_variables: self.variables.as_deref(),
            collected_dynamic_variables: talked.then_some(Empty {}),
            custom_sip_headers: self.sip_headers.as_deref(),
            data_storage_setting: over.then_some("everything"),
            opt_in_signed_url: over.then_some(false),
            start_timestamp: self.start_timestamp(stage),
            end_timestamp: self.end_timestamp(stage),
            duration_ms: self.duration_ms(stage),
            transcript: said.then(|| transcript::text(outcome)),
            transcript_object: said.then(|| transcript::turns(outcome)),
            transcript_with_tool_calls: said.then(|| transcript::turns(outcome)),
            recording_url: talked.then(|| link(call_id, "recording.wav")),
            public_log_url: talked.then(|| link(call_id, "public_log.txt")),
            latency: talked.then_some(Empty {}),
            disconnection_reason: over.then(|| self.reason()),
            call_cost: talked.then(|| self.cost()),
            llm_token_usage: talked.then_some(TokenUsage {
                values: [180],
                average: 180,
                num_requests: 1,
            }),
            call_analysis: (stage == Stage::Analyzed).then(|| self.analysis()),
        }
    }

    fn telephony(&self) -> Telephony {
        let low = mix(self.created_at.unsigned_abs() ^ self.to.digits());
        Telephony { twilio_call_sid: format!("CA{:016x}{low:016x}", mix(low)) }
    }

    fn cost(&self) -> Cost {
        let seconds = self.answered_at.map_or(0, |start| (self.ended_at - start + 999) / 1_000);
        // In cents; the prices are of the vendor's order of magnitude and mean nothing.
        let unit_price = 0.1;
        let cost = seconds as f64 * unit_price;
        Cost {
            product_costs: [ProductCost { product: "voice_engine", unit_price, cost }],
            total_duration_seconds: seconds,
            total_duration_unit_price: unit_price,
            combined_cost: cost,
        }
    }

    fn analysis(&self) -> Analysis {
        let outcome = self.scenario.outcome;
        let conversation = self.is_conversation();
        Analysis {
            call_summary: transcript::summary(outcome, conversation),
            in_voicemail: self.in_voicemail(),
            user_sentiment: self.user_sentiment(),
            call_successful: self.call_successful(),
            custom_analysis_data: self.answers(),
        }
    }

    pub(crate) fn in_voicemail(&self) -> bool {
        self.scenario.outcome == Outcome::Voicemail && self.answered_at.is_some()
    }

    pub(crate) fn user_sentiment(&self) -> Sentiment {
        if self.is_conversation() { self.scenario.mood() } else { Sentiment::Unknown }
    }

    pub(crate) fn call_successful(&self) -> bool {
        let settled = [Outcome::Confirmed, Outcome::Cancelled, Outcome::Rescheduled];
        self.is_conversation() && settled.contains(&self.scenario.outcome)
    }

    pub(crate) fn answers(&self) -> Answers {
        if !self.is_conversation() || self.stopped {
            return Answers::default();
        }
        let outcome = self.scenario.outcome;
        let action = match outcome {
            Outcome::Confirmed | Outcome::Cancelled | Outcome::Rescheduled => outcome.name(),
            _ => Outcome::NoAction.name(),
        };
        Answers {
            appointment_action: Some(action),
            new_time: (outcome == Outcome::Rescheduled).then(|| self.new_time()).flatten(),
            opt_out: Some(outcome == Outcome::OptOut),
            wrong_number: Some(outcome == Outcome::WrongNumber),
            follow_up_required: Some(self.scenario.follow_up_required),
        }
    }

    /// A full hour from 09:00 to 15:00 UTC three days after the call, unless the scenario names one.
    fn new_time(&self) -> Option<String> {
        match self.scenario.new_time.as_deref() {
            Some("none") => None,
            Some(text) => Some(text.to_owned()),
            None => {
                let hour = self.dice.between(Question::NewTime, [9, 15]);
                let ended = chrono::DateTime::from_timestamp_millis(self.ended_at)?;
                let day = ended.date_naive() + chrono::Days::new(3);
                Some(format!("{day}T{hour:02}:00:00Z"))
            }
        }
    }
}

/// `.invalid` never resolves: nobody should try to fetch it.
fn link(call_id: &str, file: &str) -> String {
    format!("https://recordings.simulator.invalid/{call_id}/{file}")
}
