//! The list's filters: typed operator objects, all of which must hold.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::call::{Call, Dial, Stage};
use crate::world::World;

/// The vendor answers 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadFilter;

/// One call as a filter sees it.
pub(crate) struct Subject<'a> {
    /// Its id is only worked out when a filter asks for it.
    pub(crate) world: &'a World,
    pub(crate) seq: u32,
    pub(crate) dial: &'a Dial,
    pub(crate) call: &'a Call,
    pub(crate) stage: Stage,
}

/// All conditions of a request.
#[derive(Debug, Default)]
pub(crate) struct Filter(Vec<Condition>);

#[derive(Debug)]
enum Condition {
    Agents(Vec<AgentIs>),
    Of(Field, Test),
    Keyed(Source, String, Test),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentIs {
    agent_id: String,
    #[serde(default)]
    version: Vec<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Field {
    BatchCallId,
    CallId,
    CallStatus,
    CallSuccessful,
    CallType,
    DataStorageSetting,
    Direction,
    DisconnectionReason,
    DurationMs,
    EndTimestamp,
    FromNumber,
    InVoicemail,
    StartTimestamp,
    ToNumber,
    UserSentiment,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    Metadata,
    DynamicVariables,
    CustomAnalysisData,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Test {
    String { op: StringOp, value: String },
    Enum { op: EnumOp, value: Vec<String> },
    Number { op: NumberOp, value: f64 },
    Range { op: RangeOp, value: [f64; 2] },
    Boolean { op: BooleanOp, value: bool },
    Present { op: PresentOp },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StringOp {
    Eq,
    Ne,
    Sw,
    Ew,
    Co,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EnumOp {
    In,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NumberOp {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RangeOp {
    Bt,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BooleanOp {
    Eq,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PresentOp {
    Pr,
    Np,
}

/// The list takes these as `call_status`; `registered` isn't among them.
const STATUSES: [&str; 4] = ["not_connected", "ongoing", "ended", "error"];

impl Filter {
    /// # Errors
    /// A field or an operator that the vendor doesn't know, or one that doesn't suit the field.
    pub(crate) fn parse(criteria: Map<String, Value>) -> Result<Self, BadFilter> {
        let mut conditions = Vec::new();
        for (name, value) in criteria {
            if name == "agent" {
                conditions.push(Condition::Agents(read(value)?));
            } else if let Ok(source) = read::<Source>(name.as_str().into()) {
                for mut item in read::<Vec<Map<String, Value>>>(value)? {
                    let key = item.remove("key").ok_or(BadFilter)?;
                    conditions.push(Condition::Keyed(source, read(key)?, read(item.into())?));
                }
            } else {
                let (field, test) = (read(name.into())?, read(value)?);
                conditions.push(suitable(field, test)?);
            }
        }
        Ok(Self(conditions))
    }

    pub(crate) fn admits(&self, subject: &Subject<'_>) -> bool {
        self.0.iter().all(|condition| condition.holds(subject))
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, BadFilter> {
    serde_json::from_value(value).map_err(|_| BadFilter)
}

fn suitable(field: Field, test: Test) -> Result<Condition, BadFilter> {
    let suits = match (field, &test) {
        (Field::CallStatus, Test::Enum { value, .. }) => {
            value.iter().all(|status| STATUSES.contains(&status.as_str()))
        }
        (Field::CallId, Test::String { .. } | Test::Enum { .. })
        | (Field::BatchCallId | Field::FromNumber | Field::ToNumber, Test::String { .. })
        | (
            Field::CallType
            | Field::DataStorageSetting
            | Field::Direction
            | Field::DisconnectionReason
            | Field::UserSentiment,
            Test::Enum { .. },
        )
        | (Field::CallSuccessful | Field::InVoicemail, Test::Boolean { .. })
        | (
            Field::DurationMs | Field::EndTimestamp | Field::StartTimestamp,
            Test::Number { .. } | Test::Range { .. },
        ) => true,
        _ => false,
    };
    if suits { Ok(Condition::Of(field, test)) } else { Err(BadFilter) }
}

impl Condition {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Agents(agents) => agents.iter().any(|it| {
                let agent = &subject.call.agent;
                it.agent_id == agent.id
                    && (it.version.is_empty() || it.version.contains(&agent.version))
            }),
            Self::Of(field, test) => test.passes(&field.value(subject)),
            Self::Keyed(source, key, test) => {
                if !source.may_hold(subject, test) {
                    return false;
                }
                test.passes(&source.value(subject, key))
            }
        }
    }
}

impl Field {
    fn value(self, subject: &Subject<'_>) -> Value {
        let Subject { call, stage, .. } = subject;
        let analyzed = *stage == Stage::Analyzed;
        let over = *stage >= Stage::Ended;
        match self {
            // Batches are not simulated.
            Self::BatchCallId => Value::Null,
            Self::CallId => subject.world.call_id(subject.seq).into(),
            Self::CallStatus => call.status(*stage).into(),
            Self::CallSuccessful if analyzed => call.call_successful().into(),
            Self::CallType => "phone_call".into(),
            Self::DataStorageSetting => "everything".into(),
            Self::Direction => "outbound".into(),
            Self::DisconnectionReason if over => call.reason().into(),
            Self::DurationMs => call.duration_ms(*stage).into(),
            Self::EndTimestamp => call.end_timestamp(*stage).into(),
            Self::FromNumber => call.from.to_string().into(),
            Self::InVoicemail if analyzed => call.in_voicemail().into(),
            Self::StartTimestamp => call.start_timestamp(*stage).into(),
            Self::ToNumber => call.to.to_string().into(),
            Self::UserSentiment if analyzed => {
                serde_json::to_value(call.user_sentiment()).unwrap_or_default()
            }
            Self::CallSuccessful
            | Self::DisconnectionReason
            | Self::InVoicemail
            | Self::UserSentiment => Value::Null,
        }
    }
}

impl Source {
    /// A cheap look before the parsing: the list is searched over hundreds of thousands of calls
    /// for one attempt's id.
    fn may_hold(self, subject: &Subject<'_>, test: &Test) -> bool {
        let (
            Self::Metadata,
            Test::String { op: StringOp::Eq | StringOp::Sw | StringOp::Ew | StringOp::Co, value },
        ) = (self, test)
        else {
            return true;
        };
        // Text that JSON may spell in several ways has to be parsed.
        let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.: ".contains(&b));
        let raw = subject.dial.metadata.as_ref().map_or("", |raw| raw.get());
        !plain || raw.contains('\\') || raw.contains(value.as_str())
    }

    fn value(self, subject: &Subject<'_>, key: &str) -> Value {
        let object = match self {
            Self::Metadata => subject.dial.metadata.as_ref().map(|raw| raw.get().to_owned()),
            Self::DynamicVariables => {
                subject.call.variables.as_ref().map(|raw| raw.get().to_owned())
            }
            Self::CustomAnalysisData => (subject.stage == Stage::Analyzed)
                .then(|| serde_json::to_string(&subject.call.answers()).ok())
                .flatten(),
        };
        let parsed = object.and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
        parsed.and_then(|mut object| object.remove(key)).unwrap_or_default()
    }
}

impl Test {
    fn passes(&self, value: &Value) -> bool {
        match self {
            Self::String { op, value: wanted } => {
                let text = value.as_str();
                match op {
                    StringOp::Eq => text == Some(wanted),
                    StringOp::Ne => text != Some(wanted),
                    StringOp::Sw => text.is_some_and(|it| it.starts_with(wanted)),
                    StringOp::Ew => text.is_some_and(|it| it.ends_with(wanted)),
                    StringOp::Co => text.is_some_and(|it| it.contains(wanted)),
                }
            }
            Self::Enum { op: EnumOp::In, value: wanted } => {
                value.as_str().is_some_and(|it| wanted.iter().any(|one| one == it))
            }
            Self::Number { op, value: wanted } => {
                let number = value.as_f64();
                match op {
                    NumberOp::Eq => number == Some(*wanted),
                    NumberOp::Ne => number != Some(*wanted),
                    NumberOp::Gt => number.is_some_and(|it| it > *wanted),
                    NumberOp::Ge => number.is_some_and(|it| it >= *wanted),
                    NumberOp::Lt => number.is_some_and(|it| it < *wanted),
                    NumberOp::Le => number.is_some_and(|it| it <= *wanted),
                }
            }
            Self::Range { op: RangeOp::Bt, value: [low, high] } => {
                value.as_f64().is_some_and(|it| *low <= it && it <= *high)
            }
            Self::Boolean { op: BooleanOp::Eq, value: wanted } => value.as_bool() == Some(*wanted),
            Self::Present { op: PresentOp::Pr } => !value.is_null(),
            Self::Present { op: PresentOp::Np } => value.is_null(),
        }
    }
}
