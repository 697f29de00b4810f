//! What a tenant has, for operations that name one of its things in their path.

use chrono::Duration;
use serde_json::{Value, json};
use shared::api_keys::ApiKey;
use uuid::Uuid;

use crate::client::{Answer, Client, ada};
use crate::contract::Operation;

/// Something of a tenant's for each name of a path's parameter.
pub(crate) struct Things {
    contact: String,
    appointment: String,
    call: String,
    entry: String,
    group: String,
    job: String,
    /// One that did something, and ended.
    done: String,
    date: String,
    user: String,
    key: String,
    session: String,
    hold: String,
    view: String,
    appointment_type: String,
    location: String,
    import: String,
    /// One that was run.
    ran: String,
    template: String,
    /// One that is done.
    export: String,
    /// An appointment that has begun.
    begun: String,
}

impl Things {
    /// New ones of the client's tenant.
    pub(crate) async fn of(client: &Client) -> Self {
        let mut new = ada();
        // Ofcom keeps a thousand of these numbers; another for each contact keeps the gap rule out of the way.
        let count = client.world.number("select count(*) from contacts").await;
        new["phone"] = json!(format!("07700 900{:03}", 200 + count));
        new["appointment"] = json!({ "at": client.ahead(Duration::days(3)).await });
        let made = client.admin("POST /v1/contacts", new).await;
        let contact = made.id();
        let calls = client.admin(&format!("GET /v1/calls?contact_id={contact}"), Value::Null).await;
        let number = json!({ "number": format!("07700 900{:03}", 600 + count) });
        let entry = client.admin("POST /v1/do-not-call", number).await;
        let date = format!("2030-01-{:02}", 1 + count % 28);
        let path = format!("PUT /v1/tenant/closed-dates/{date}");
        client.admin(&path, json!({ "name": "Closed" })).await;
        let group =
            json!({ "name": format!("Group {count}"), "colour": "red", "members": [contact] });
        let group = client.admin("POST /v1/groups", group).await.id();
        let user =
            json!({ "name": "Grace Example", "email": format!("grace{count}@clinic.example") });
        let user = client.admin("POST /v1/users", user).await.id();
        let key = client.admin("POST /v1/api-keys", json!({ "name": "Booking system" })).await.id();
        // Of somebody else: what is held can't be erased.
        let mut other = ada();
        other["phone"] = json!(format!("07700 900{:03}", 100 + count));
        other["allow_duplicate_email"] = json!(true);
        let other = client.admin("POST /v1/contacts", other).await.id();
        let hold = json!({ "contact_id": other, "reason": "A claim is pending" });
        let hold = client.admin("POST /v1/legal-holds", hold).await.id();
        let view = json!({ "name": "Everybody", "shared": true, "search": {} });
        let view = client.admin("POST /v1/contact-views", view).await.id();
        let name = json!({ "name": format!("Of list {count}") });
        let appointment_type = client.admin("POST /v1/appointment-types", name.clone()).await.id();
        let location = client.admin("POST /v1/locations", name).await.id();
        let at = json!({ "at": client.ahead(Duration::days(5)).await });
        let path = format!("POST /v1/contacts/{contact}/appointments");
        let begun = client.admin(&path, at).await.id();
        let past = format!(
            "update appointments set at = app_clock() - interval '1 hour' where id = '{begun}'"
        );
        client.world.run(Box::leak(past.into_boxed_str())).await;
        let job = client.world.probe_job(&client.clinic, 1).await.to_string();
        let one =
            json!({ "selection": { "ids": [{ "contact_id": contact }] }, "act": { "delete": {} } });
        let done = client.admin("POST /v1/bulk", one).await.id();
        let ended = format!(
            "update jobs set state = 'done', ended_at = app_clock(), done = 1 where id = '{done}'"
        );
        client.world.run(Box::leak(ended.into_boxed_str())).await;
        let file = format!(
            "Name,Phone,Date,Time\nBea Example,07700 900{:03},2036-03-03,09:30\n",
            700 + count
        );
        let import = client.admin("POST /v1/imports", json!(file)).await.id();
        let ran = client.admin("POST /v1/imports", json!(file)).await.id();
        let column = |name: &str, field: &str| json!({ "column": name, "field": field });
        let columns = [
            column("Name", "name"),
            column("Phone", "phone"),
            column("Date", "appointment_date"),
            column("Time", "appointment_time"),
        ];
        let options = json!({ "mapping": { "columns": columns } });
        client.admin(&format!("POST /v1/imports/{ran}/run"), options.clone()).await.id();
        let export = client.admin("POST /v1/exports", json!({ "selection": { "all": true } }));
        let export = export.await.id();
        let ended =
            format!("update jobs set state = 'done', ended_at = app_clock() where id = '{export}'");
        client.world.run(Box::leak(ended.into_boxed_str())).await;
        let template = json!({ "name": "Mondays", "options": options });
        // A tenant keeps a hundred: one serves until it is deleted.
        let kept = client.admin("GET /v1/import-templates", Value::Null).await;
        let template = match kept.body["items"][0]["id"].as_str() {
            Some(kept) => kept.to_owned(),
            None => client.admin("POST /v1/import-templates", template).await.id(),
        };
        Self {
            import,
            ran,
            template,
            export,
            appointment_type,
            job,
            done,
            location,
            hold,
            view,
            begun,
            user,
            key,
            session: Uuid::now_v7().to_string(),
            contact,
            appointment: made.body["next_appointment"]["id"].as_str().unwrap().to_owned(),
            call: calls.body["items"][0]["id"].as_str().expect("a planned call").to_owned(),
            entry: entry.id(),
            group,
            date,
        }
    }

    /// Ids that nobody has.
    pub(super) fn absent() -> Self {
        let id = || Uuid::now_v7().to_string();
        let date = "2031-02-03".to_owned();
        Self {
            appointment_type: id(),
            location: id(),
            import: id(),
            ran: id(),
            template: id(),
            export: id(),
            begun: id(),
            contact: id(),
            appointment: id(),
            call: id(),
            entry: id(),
            group: id(),
            job: id(),
            done: id(),
            date,
            user: id(),
            key: id(),
            session: id(),
            hold: id(),
            view: id(),
        }
    }

    /// The path of an operation about them.
    pub(crate) fn path(&self, operation: &Operation) -> String {
        let appointment = match operation.id() {
            "recordAttendance" => &self.begun,
            _ => &self.appointment,
        };
        let import = match operation.id() {
            "downloadImportErrors" => &self.ran,
            _ => &self.import,
        };
        let job = match operation.id() {
            "undoJob" => &self.done,
            _ => &self.job,
        };
        operation
            .path
            .replace("{appointment_type}", &self.appointment_type)
            .replace("{location}", &self.location)
            .replace("{contact}", &self.contact)
            .replace("{appointment}", appointment)
            .replace("{call}", &self.call)
            .replace("{entry}", &self.entry)
            .replace("{group}", &self.group)
            .replace("{job}", job)
            .replace("{import}", import)
            .replace("{template}", &self.template)
            .replace("{export}", &self.export)
            .replace("{date}", &self.date)
            .replace("{user}", &self.user)
            .replace("{key}", &self.key)
            .replace("{session}", &self.session)
            .replace("{hold}", &self.hold)
            .replace("{view}", &self.view)
            .replace("{module}", "hipaa")
            // Nobody's: these are opened by a signature, or to the platform's people.
            .replace("{account}", &Uuid::now_v7().to_string())
            .replace("{tenant}", &Uuid::now_v7().to_string())
            .replace("{visit}", &Uuid::now_v7().to_string())
    }
}

/// Asks as the document says: its own example, of whatever version.
pub(crate) async fn ask(
    client: &Client,
    key: &ApiKey,
    operation: &Operation,
    things: &Things,
    body: &Value,
) -> Answer {
    let what = format!("{} {}", operation.method, things.path(operation));
    client.ask(key, &what, &[("if-match", "*")], body).await
}
