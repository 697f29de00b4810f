//! What people and programs call the columns that we look for, and those that are something else.
//!
//! Names are compared as words, folded. They are those of English business, and of the exports of Google Calendar and Contacts,
//! Outlook, Calendly, Cal.com, Acuity, HubSpot and Salesforce.

use crate::intake::Field;

/// Names of a field; the first ones are the surest.
pub(super) fn of(field: Field) -> &'static [&'static str] {
    match field {
        Field::Name => &[
            "name", "full name", "customer name", "client name", "patient name", "contact name", "customer", "client",
            "invitee name", "attendee name", "attendee", "invitee", "display name", "guest name", "member name", "patient",
            "contact",
        ],
        Field::FirstName => &["first name", "forename", "given name", "first", "christian name", "invitee first name", "fname"],
        Field::LastName => &["last name", "surname", "family name", "last", "invitee last name", "lname"],
        Field::Phone => &[
            "phone", "phone number", "mobile", "mobile number", "mobile phone", "telephone", "telephone number", "tel", "tel no",
            "cell", "cell phone", "contact number", "phone no", "mobile no", "primary phone", "phone 1 value", "home phone",
            "customer phone", "client phone", "attendee phone number", "text reminder number", "sms number", "contact no", "number",
        ],
        Field::Email => &[
            "email", "e mail", "email address", "e mail address", "mail", "customer email", "client email", "invitee email",
            "attendee email", "primary email", "contact email", "e mail 1 value",
        ],
        Field::AppointmentAt => &[
            "appointment", "appointment at", "appointment date time", "appointment datetime", "appointment date and time", "date time",
            "datetime", "date and time", "start", "starts", "starts at", "start at", "start date time", "start datetime", "start date and time",
            "event start", "event start time", "booking time", "booked for", "scheduled for", "scheduled at", "scheduled time",
            "when", "slot",
        ],
        Field::AppointmentDate => &[
            "appointment date", "appt date", "app date", "date", "start date", "booking date", "visit date", "event date", "day",
            "date of appointment", "session date", "meeting date", "scheduled date",
        ],
        Field::AppointmentTime => &[
            "appointment time", "appt time", "app time", "time", "start time", "booking time", "visit time", "event time",
            "time of appointment", "session time", "meeting time", "scheduled time",
        ],
        Field::AppointmentType => &[
            "appointment type", "appt type", "type", "service", "service name", "event type", "event type name", "booking type",
            "session type", "meeting type", "type of appointment", "treatment", "visit type", "subject",
        ],
        Field::DurationMinutes => &[
            "duration", "appointment duration", "duration minutes", "duration mins", "duration min", "length", "minutes", "mins",
            "appointment length", "session length", "length minutes",
        ],
        Field::OwnerName => &[
            "owner name", "owner", "staff", "staff member", "staff name", "provider", "provider name", "provider doctor", "doctor",
            "practitioner", "clinician", "consultant", "stylist", "therapist", "advisor", "adviser", "agent", "host", "host name",
            "organizer", "organiser", "assigned to", "with", "employee", "technician", "solicitor", "team member", "contact owner",
            "calendar", "resource", "user name",
        ],
        Field::CompanyName => &[
            "company name", "company", "business", "business name", "organisation", "organization", "account name", "practice",
            "brand", "organization name", "organisation name", "firm",
        ],
        Field::Location => &[
            "location", "location name", "branch", "site", "venue", "place", "office", "clinic", "surgery", "where",
            "appointment location", "store", "salon", "room",
        ],
        Field::Notes => &[
            "notes", "note", "comments", "comment", "remarks", "internal notes", "staff notes", "description", "customer notes",
            "client notes", "memo",
        ],
        Field::VoiceText => &[
            "special instructions", "voice text", "instructions", "voice message", "message", "reminder text", "please bring",
            "to be said", "spoken text", "preparation",
        ],
        Field::Priority => &["priority", "importance", "urgency"],
        Field::Channel => &[
            "channel", "preferred channel", "preferred contact", "contact preference", "preferred contact method", "contact method",
            "preferred method", "reminder type", "contact by",
        ],
        Field::Zone => &["zone", "timezone", "time zone", "tz", "invitee time zone", "customer timezone"],
        Field::Groups => &["groups", "group", "tags", "tag", "labels", "label", "lists", "segment", "segments", "categories", "group membership"],
        Field::CallBeforeHours => &[
            "call before hours", "call before", "hours before", "reminder hours", "lead time", "call timing", "reminder lead time",
            "lead hours", "remind hours before",
        ],
        Field::Consent => &[
            "consent", "voice consent", "call consent", "consent to calls", "consent given", "opt in", "opted in", "consented",
            "agreed to calls",
        ],
        Field::ConsentHow => &["consent how", "consent method", "how consented", "consent source", "consent type"],
        Field::ConsentTextVersion => &["consent text version", "consent version", "consent text"],
    }
}

/// Names of columns that look like one of ours and are not.
pub(super) const OTHERS: [&str; 49] = [
    "id", "customer id", "client id", "booking id", "event id", "created", "created at", "created on", "created date", "date created",
    "event created date time", "created time", "updated", "updated at", "modified", "last modified", "last updated", "booked on",
    "booked at", "booking made", "date booked", "date added", "added", "cancelled at", "canceled at", "canceled", "cancelled", "last visit",
    "last seen", "last appointment", "last contact", "last contacted", "last contact time", "previous appointment", "end", "end date", "end time",
    "end date time", "ends", "ends at", "finish", "finish time", "fax", "fax number", "status", "account number", "invoice number",
    "reference", "postcode",
];

/// What our own file of errors calls its last column.
pub(crate) const REASON: &str = "Import error";
