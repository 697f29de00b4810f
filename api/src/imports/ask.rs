//! How a file is to be read, as clients say it.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::groups::store as groups;
use shared::ids::{GroupId, ImportTemplateId};
use shared::imports::{Duplicates, MOST_GROUPS, Options, Unusable};
use shared::intake::mapping::{Mapping, MappingFault};

use crate::app::Work;
use crate::auth::{Allowed, EditContacts, EditGroups};
use crate::http::{Fields, Problem};

/// How a file is read, and what is done with its rows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportOptions")]
pub(super) struct Ask {
    /// Which column is which field. Begin with what is proposed.
    pub(super) mapping: Mapping,
    /// What is done with people who are there: by number and name.
    #[serde(default)]
    duplicates: Duplicates,
    /// Groups that everybody in the file is put into. Needs `groups.edit`.
    #[serde(default)]
    #[schemars(length(max = MOST_GROUPS))]
    groups: Vec<GroupId>,
    /// Groups that rows name and that aren't there are made; else such a row is faulty. Needs `groups.edit`.
    #[serde(default)]
    make_groups: bool,
    /// Health information stands in notes knowingly: it is acknowledged for each contact by whoever sends this.
    #[serde(default)]
    acknowledge_phi_in_notes: bool,
    /// Several contacts may have one e-mail address; else such a row is faulty.
    #[serde(default)]
    allow_duplicate_email: bool,
    /// The template that this was taken from: its use is counted.
    pub(super) template_id: Option<ImportTemplateId>,
}

impl Ask {
    /// Reads what is asked for, and sees that who asks may, and that the groups are there.
    pub(super) async fn read(
        self,
        work: &mut Work,
        by: &Allowed<EditContacts>,
    ) -> Result<Options, Problem> {
        let mut fields = Fields::default();
        if self.groups.len() > MOST_GROUPS {
            fields.fault("groups", "too_many", format!("at most {MOST_GROUPS}"));
        }
        // Rows may name groups too.
        let names =
            self.mapping.columns.iter().any(|one| one.field == shared::intake::Field::Groups);
        if !self.groups.is_empty() || self.make_groups || names {
            by.must::<EditGroups>()?;
        }
        for (at, group) in self.groups.iter().take(MOST_GROUPS).enumerate() {
            let found = groups::find(&mut work.tx, *group).await?;
            if found.is_none_or(|group| group.archived_at.is_some()) {
                let path = format!("groups/{at}");
                fields.fault(&path, "unknown", "there is no such group, or it is archived");
            }
        }
        let options = Options {
            mapping: self.mapping,
            duplicates: self.duplicates,
            groups: self.groups,
            make_groups: self.make_groups,
            acknowledge_phi: self.acknowledge_phi_in_notes,
            allow_duplicate_email: self.allow_duplicate_email,
        };
        fields.finish(Some(options))
    }
}

/// Why nothing of a file can be taken, as an answer.
pub(super) fn problem(why: Unusable) -> Problem {
    match why {
        Unusable::File(error) => Problem::field("", error.code(), error.to_string()),
        Unusable::Mapping(faults) => {
            let mut fields = Fields::default();
            for MappingFault { column, field: of, code, message } in faults {
                let code = code.as_str();
                let of = of.map(|of| of.as_str());
                let detail = match (&column, of) {
                    (Some(column), _) => format!("column \"{column}\": {message}"),
                    (None, Some(of)) => format!("{of}: {message}"),
                    (None, None) => message,
                };
                let at = if code == "ambiguous_dates" {
                    "mapping/date_order"
                } else {
                    "mapping/columns"
                };
                fields.fault(at, code, detail);
            }
            match fields.finish(None::<()>) {
                Err(problem) => problem,
                Ok(()) => Problem::NotFound(super::NOUN),
            }
        }
    }
}
