//! What is asked: read from the body, and made whole with what the tenant and the caller are.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::appointment_types::key_of;
use shared::crypto::TenantKeys;
use shared::ids::ViewId;
use shared::search::query::MOST_QUERY;
use shared::search::{Calendar, Field, Filter, Position, Query, Sort, SortKey};
use shared::tenants::Tenant;

use super::answer::Part;
use super::filter::FilterBody;
use super::{USUAL_ROWS, cursor};
use crate::auth::Eyes;
use crate::http::{Fields, Problem};

/// Most keys of an order.
const MOST_KEYS: usize = 4;
/// Beyond this no tenant has contacts.
const MOST_OFFSET: i64 = 100_000_000;

/// A search.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// A view to search by, in place of `query`, `filter` and `sort`; its `fields` hold unless others are given.
    pub(super) view: Option<ViewId>,
    /// What somebody typed; everybody unless given.
    #[schemars(length(max = MOST_QUERY), example = &"smith")]
    query: Option<String>,
    /// Whom to leave out; archived contacts unless given.
    filter: Option<FilterBody>,
    /// By what to order, the most important first, at most 4. By relevance unless given, or by name if nothing is searched for.
    #[schemars(length(max = MOST_KEYS))]
    sort: Option<Vec<SortBody>>,
    /// How many to skip.
    #[schemars(range(min = 0, max = MOST_OFFSET))]
    offset: Option<i64>,
    /// The `next` of an answer, to go on after it; not together with `offset`. `sort` must be the same.
    #[schemars(length(max = 8_192))]
    after: Option<String>,
    /// How many to show.
    #[schemars(range(min = 0))]
    limit: Option<i64>,
    /// Which parts of each row are wanted; all unless given. The contact's id always comes.
    fields: Option<Vec<Part>>,
    /// Count every choice of the filter too.
    #[serde(default)]
    facets: bool,
}

/// What is kept of a search.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "KeptSearch")]
#[serde(deny_unknown_fields)]
pub(crate) struct Sought {
    /// What somebody typed; everybody unless given.
    #[schemars(length(max = MOST_QUERY), example = &"smith")]
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// Whom to leave out.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<FilterBody>,
    /// By what to order, the most important first, at most 4.
    #[schemars(length(max = MOST_KEYS))]
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<Vec<SortBody>>,
    /// Which parts of each row are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Part>>,
}

impl Sought {
    /// What was typed.
    pub(super) fn query(&self) -> &str {
        self.query.as_deref().unwrap_or_default()
    }

    /// The search by it.
    pub(super) fn ask(self) -> Ask {
        let Self { query, filter, sort, fields } = self;
        Ask { query, filter, sort, fields, ..Ask::default() }
    }
}

/// One key of an order.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SortBody {
    key: SortKey,
    /// The highest first. Contacts without a value come last either way.
    #[serde(default)]
    descending: bool,
}

/// A search of which everything is known but the tenant.
pub(super) struct Parsed {
    query: Query,
    pub(super) filter: Filter,
    sorts: Vec<Sort>,
    offset: usize,
    after: Option<String>,
    limit: usize,
    fields: Option<Vec<Part>>,
    facets: bool,
}

/// A search that can be made.
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) filter: Filter,
    pub(super) calendar: Calendar,
    pub(super) hidden: Vec<Field>,
    pub(super) sorts: Vec<Sort>,
    pub(super) offset: usize,
    pub(super) after: Option<Position>,
    pub(super) limit: usize,
    pub(super) fields: Option<Vec<Part>>,
    pub(super) facets: bool,
}

impl Ask {
    /// The search by a view that was found.
    pub(super) fn by_view(self, sought: Sought) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        for (field, given) in [
            ("query", self.query.is_some()),
            ("filter", self.filter.is_some()),
            ("sort", self.sort.is_some()),
        ] {
            if given {
                fields.fault(field, "view_given", "the view says that");
            }
        }
        fields.finish(Some(()))?;
        let wanted = self.fields.or(sought.fields.clone());
        Ok(Self {
            view: None,
            fields: wanted,
            query: sought.query,
            filter: sought.filter,
            sort: sought.sort,
            ..self
        })
    }

    /// Reads what doesn't depend on the tenant; at most `most` rows.
    pub(super) fn parse(self, most: u16) -> Result<Parsed, Problem> {
        let mut fields = Fields::default();
        let read = self.read(most, &mut fields);
        fields.finish(read)
    }

    /// As [`Ask::parse`], with its faults noted among others.
    pub(super) fn read(self, most: u16, fields: &mut Fields) -> Option<Parsed> {
        let query = match Query::parse(self.query.as_deref().unwrap_or_default()) {
            Ok(query) => Some(query),
            Err(error) => {
                fields.fault_at("query", error.fault.code(), error.fault.to_string(), error.place);
                None
            }
        };
        let filter = fields.below("/filter", |fields| self.filter.unwrap_or_default().read(fields));
        let limit = match self.limit {
            None => Some(USUAL_ROWS),
            Some(limit) => fields.within("limit", limit, 0..=most),
        };
        let offset = self.offset.unwrap_or_default();
        if !(0..=MOST_OFFSET).contains(&offset) {
            fields.fault("offset", "out_of_range", "must be from 0 to 100000000");
        }
        if self.offset.is_some() && self.after.is_some() {
            fields.fault("after", "offset_given", "give either offset or after");
        }
        let sorts: Vec<Sort> = match self.sort {
            Some(sort) => sort
                .iter()
                .map(|sort| Sort { key: sort.key, descending: sort.descending })
                .collect(),
            None if query.as_ref().is_some_and(Query::ranks) => {
                vec![Sort::RELEVANCE, Sort { key: SortKey::Name, descending: false }]
            }
            None => vec![Sort { key: SortKey::Name, descending: false }],
        };
        if sorts.len() > MOST_KEYS {
            fields.fault("sort", "too_many", "at most 4 keys");
        }
        Some(Parsed {
            query: query?,
            filter: filter?,
            sorts,
            offset: usize::try_from(offset).ok()?,
            after: self.after,
            limit: usize::from(limit?),
            fields: self.fields,
            facets: self.facets,
        })
    }
}

impl Parsed {
    /// The search, of this tenant and at this time, by somebody with these eyes who doesn't see these types.
    pub(super) fn complete(
        self,
        keys: &TenantKeys,
        tenant: &Tenant,
        now: DateTime<Utc>,
        eyes: Eyes,
        unseen_types: &[String],
    ) -> Result<Asked, Problem> {
        let mut hidden = match eyes.notes {
            true => Vec::new(),
            false => vec![Field::Notes, Field::Instructions],
        };
        // Who may not see some types learns nothing by searching for them, or for what they are not.
        if !unseen_types.is_empty() {
            hidden.push(Field::Type);
        }
        if hidden.iter().any(|field| self.query.names(*field)) {
            let why = "this field is not for you to see";
            return Err(Problem::field("/query", "not_seen", why));
        }
        if self.filter.kinds.iter().any(|kind| unseen_types.contains(&key_of(kind))) {
            let why = "this type is not for you to see";
            return Err(Problem::field("/filter/type", "not_seen", why));
        }
        let after = self.after.as_deref().map(|after| cursor::open(keys, &self.sorts, after));
        Ok(Asked {
            query: self.query,
            filter: self.filter,
            calendar: Calendar { now, zone: tenant.zone },
            hidden,
            sorts: self.sorts,
            offset: self.offset,
            after: after.transpose()?,
            limit: self.limit,
            fields: self.fields,
            facets: self.facets,
        })
    }
}
