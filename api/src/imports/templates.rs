//! Templates: how files of one shape are read.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::crypto::{Phi, TenantField};
use shared::ids::{GroupId, ImportTemplateId};
use shared::imports::store::templates as store;
use shared::imports::{Duplicates, MOST_TEMPLATE_NAME, MOST_TEMPLATES, Template};
use shared::intake::mapping::Mapping;
use shared::screening::Place;

use super::ask::Ask;
use crate::app::{App, Begun};
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::{Created, Empty, Fields, Kind, PageView, Path, Post, Problem, Reply, Shown};
use crate::phi::Asked;

/// What a template is called in problems.
const NOUN: &str = "template";

/// A template.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ImportTemplate")]
pub(super) struct TemplateView {
    id: ImportTemplateId,
    /// What it is called.
    #[schemars(example = &"The list of Mondays")]
    name: String,
    mapping: Mapping,
    duplicates: Duplicates,
    groups: Vec<GroupId>,
    make_groups: bool,
    acknowledge_phi_in_notes: bool,
    allow_duplicate_email: bool,
    /// How often a file was run by it.
    used: u64,
    used_at: Option<DateTime<Utc>>,
    created_by: String,
    created_at: DateTime<Utc>,
}

impl TemplateView {
    pub(super) fn id(&self) -> uuid::Uuid {
        self.id.0
    }

    pub(super) fn new(of: Template) -> Self {
        Self {
            id: of.id,
            name: of.name,
            mapping: of.options.mapping,
            duplicates: of.options.duplicates,
            groups: of.options.groups,
            make_groups: of.options.make_groups,
            acknowledge_phi_in_notes: of.options.acknowledge_phi,
            allow_duplicate_email: of.options.allow_duplicate_email,
            used: of.used,
            used_at: of.used_at,
            created_by: of.created_by,
            created_at: of.created_at,
        }
    }
}

/// A template to be kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewImportTemplate")]
pub(super) struct Wish {
    /// What it is called.
    #[schemars(length(min = 1, max = MOST_TEMPLATE_NAME), example = &"The list of Mondays")]
    name: Phi<String>,
    /// What was found in `name` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
    /// What is chosen; without a template of its own.
    options: Ask,
}

pub(super) const LIST: Operation = Operation::new("listImportTemplates", "List import templates")
    .says("The most used first. All on one page.");

/// Lists templates.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<EditContacts>,
) -> Result<Reply<Shown<PageView<TemplateView>>>, Problem> {
    let mut work = app.read(&by).await?;
    let kept = store::list(&mut work.tx, &work.keys).await?;
    let shown: Vec<_> = kept.iter().map(|template| template.id.0).collect();
    let items = kept.into_iter().map(TemplateView::new).collect();
    Ok(Reply::ok(&PageView { items, next: None })?.showing(shown))
}

pub(super) const CREATE: Operation =
    Operation::new("createImportTemplate", "Keep an import template")
        .says(
            "A mapping by the names of columns, with the other choices. At most 100. It is sealed.",
        )
        .fails(&[Kind::ListFull]);

/// Keeps a template.
pub(super) async fn create(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Post { body, once }: Post<Wish>,
) -> Result<Reply<Created<TemplateView>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let mut fields = Fields::default();
    let raw = body.name.expose();
    let name = fields.text("name", raw, MOST_TEMPLATE_NAME);
    let asked = Asked { place: Place::TemplateName, field: "name", raw };
    let name = name.filter(|_| asked.may_stand(&mut fields, false, body.acknowledge_phi));
    if body.options.template_id.is_some() {
        fields.fault("options/template_id", "not_wanted", "a template is not made of another");
    }
    if body.options.mapping.columns.is_empty() {
        fields.fault("options/mapping/columns", "empty", "name a column at least");
    }
    let name = fields.finish_in(&mut work, name)?;
    let options = body.options.read(&mut work, &by).await.map_err(below_options)?;
    let template = Template {
        id: ImportTemplateId::new(),
        name,
        options,
        used: 0,
        used_at: None,
        created_by: work.actor.to_string(),
        created_at: work.now,
    };
    if !store::insert(&mut work.tx, &work.keys, &template).await? {
        return Err(Problem::Conflict {
            kind: Kind::ListFull,
            detail: format!("there are {MOST_TEMPLATES} already: delete one first"),
            more: None,
        });
    }
    let id = template.id;
    let view = TemplateView::new(template);
    let values = serde_json::json!({ "after": { "name": view.name, "mapping": view.mapping } });
    let sealed = work.keys.seal(TenantField::AuditDetails, id.0, values.to_string().as_bytes())?;
    work.changes.entry("import_template.create", id.0, Some(sealed));
    let reply = Reply::created(format!("/v1/import-templates/{id}"), &view)?;
    work.commit(&app, reply).await
}

/// What is wrong with the options, where it stands in a body that keeps them.
fn below_options(problem: Problem) -> Problem {
    match problem {
        Problem::Invalid(mut errors) => {
            errors.iter_mut().for_each(|error| error.field.insert_str(0, "/options"));
            Problem::Invalid(errors)
        }
        other => other,
    }
}

pub(super) const DELETE: Operation =
    Operation::new("deleteImportTemplate", "Delete an import template");

/// Deletes a template.
pub(super) async fn delete(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ImportTemplateId>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    if !store::delete(&mut work.tx, id).await? {
        return Err(Problem::NotFound(NOUN));
    }
    work.changes.entry("import_template.delete", id.0, None);
    work.commit(&app, Reply::empty()).await
}
