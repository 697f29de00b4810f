//! Columns that must not come in (rules.md, "Fields that must not exist"): known by what they are called, or by what is in them.
//!
//! Such a column can't be mapped. Left unmapped it does no harm: nothing of an unmapped column is stored, and the file with
//! errors has it empty. Proposals name it all the same, so that whoever uploads sees that it is not taken.

use serde::{Deserialize, Serialize};

use crate::phi::{self, Kind};
use crate::search::fold;

/// Why a column must not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportProhibition")]
pub enum Prohibited {
    /// US social security numbers.
    SocialSecurityNumber,
    /// UK national insurance numbers, and other countries' numbers of citizens and taxpayers.
    NationalNumber,
    /// NHS numbers.
    NhsNumber,
    /// Numbers of medical records and of patients.
    MedicalRecordNumber,
    /// Numbers of health insurances.
    InsuranceNumber,
    /// What somebody suffers from.
    Diagnosis,
    /// What somebody is given for it.
    Medication,
    /// When somebody was born.
    DateOfBirth,
}

impl Prohibited {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::SocialSecurityNumber => "social security numbers",
            Self::NationalNumber => "national insurance numbers",
            Self::NhsNumber => "NHS numbers",
            Self::MedicalRecordNumber => "numbers of medical records",
            Self::InsuranceNumber => "numbers of health insurances",
            Self::Diagnosis => "diagnoses",
            Self::Medication => "medication",
            Self::DateOfBirth => "dates of birth",
        }
    }
}

/// Names of such columns: all words of one line stand in the header, in any order.
const NAMES: [(&[&str], Prohibited); 47] = [
    (&["ssn"], Prohibited::SocialSecurityNumber),
    (&["social", "security"], Prohibited::SocialSecurityNumber),
    (&["socialsecuritynumber"], Prohibited::SocialSecurityNumber),
    (&["national", "insurance"], Prohibited::NationalNumber),
    (&["ni", "number"], Prohibited::NationalNumber),
    (&["ni", "no"], Prohibited::NationalNumber),
    (&["nino"], Prohibited::NationalNumber),
    (&["national", "id"], Prohibited::NationalNumber),
    (&["pps", "number"], Prohibited::NationalNumber),
    (&["ppsn"], Prohibited::NationalNumber),
    (&["nhs"], Prohibited::NhsNumber),
    (&["nhsnumber"], Prohibited::NhsNumber),
    (&["nhsno"], Prohibited::NhsNumber),
    (&["chi", "number"], Prohibited::NhsNumber),
    (&["chi", "no"], Prohibited::NhsNumber),
    (&["mrn"], Prohibited::MedicalRecordNumber),
    (&["medical", "record"], Prohibited::MedicalRecordNumber),
    (&["medical", "records"], Prohibited::MedicalRecordNumber),
    (&["medical", "number"], Prohibited::MedicalRecordNumber),
    (&["patient", "id"], Prohibited::MedicalRecordNumber),
    (&["patientid"], Prohibited::MedicalRecordNumber),
    (&["patient", "number"], Prohibited::MedicalRecordNumber),
    (&["patient", "no"], Prohibited::MedicalRecordNumber),
    (&["hospital", "number"], Prohibited::MedicalRecordNumber),
    (&["hospital", "no"], Prohibited::MedicalRecordNumber),
    (&["chart", "number"], Prohibited::MedicalRecordNumber),
    (&["insurance"], Prohibited::InsuranceNumber),
    (&["policy", "number"], Prohibited::InsuranceNumber),
    (&["policy", "no"], Prohibited::InsuranceNumber),
    (&["medicare"], Prohibited::InsuranceNumber),
    (&["medicaid"], Prohibited::InsuranceNumber),
    (&["diagnosis"], Prohibited::Diagnosis),
    (&["diagnoses"], Prohibited::Diagnosis),
    (&["medical", "history"], Prohibited::Diagnosis),
    (&["medical", "condition"], Prohibited::Diagnosis),
    (&["medical", "conditions"], Prohibited::Diagnosis),
    (&["health", "condition"], Prohibited::Diagnosis),
    (&["symptoms"], Prohibited::Diagnosis),
    (&["icd10"], Prohibited::Diagnosis),
    (&["icd"], Prohibited::Diagnosis),
    (&["allergies"], Prohibited::Diagnosis),
    (&["medication"], Prohibited::Medication),
    (&["medications"], Prohibited::Medication),
    (&["prescription"], Prohibited::Medication),
    (&["dob"], Prohibited::DateOfBirth),
    (&["birth"], Prohibited::DateOfBirth),
    (&["birthday"], Prohibited::DateOfBirth),
];

/// What a header says must not come in.
pub fn by_name(header: &str) -> Option<Prohibited> {
    let words = words(header);
    let has = |name: &&str| words.iter().any(|word| word == name);
    let named = NAMES.iter().find(|(names, _)| names.iter().all(&has));
    named.map(|(_, why)| *why).or_else(|| (words == ["ni"]).then_some(Prohibited::NationalNumber))
}

/// The words of a header, folded: `NHS_No.`, `nhsNo` and `N.H.S. no` are alike.
pub(crate) fn words(header: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(header.len() + 8);
    let mut before = ' ';
    for c in header.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        spaced.push(c);
        before = c;
    }
    let folded = fold(&spaced);
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut joined: Vec<String> = Vec::new();
    let mut letters = false;
    for word in words {
        let letter = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
        match joined.last_mut() {
            Some(last) if letter && letters => last.push_str(word),
            _ => joined.push(word.to_owned()),
        }
        letters = letter;
    }
    joined
}

/// What the values of a column say must not come in, whatever it is called: nine in ten of five at least are such numbers.
pub fn by_values<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Prohibited> {
    let (mut count, mut social, mut nhs, mut national) = (0_usize, 0, 0, 0);
    for value in values.into_iter().map(str::trim).filter(|value| !value.is_empty()) {
        count += 1;
        social += usize::from(is_social_security(value));
        nhs += usize::from(is_nhs(value));
        national += usize::from(is_national_insurance(value));
    }
    let most = |found: usize| count >= 5 && found * 10 >= count * 9;
    match () {
        () if most(social) => Some(Prohibited::SocialSecurityNumber),
        () if most(nhs) => Some(Prohibited::NhsNumber),
        () if most(national) => Some(Prohibited::NationalNumber),
        () => None,
    }
}

/// The shortest number that the detector knows has five digits.
pub(crate) fn may_have_number(value: &str) -> bool {
    value.bytes().filter(u8::is_ascii_digit).count() >= 5
}

/// A number in a value that must not come in, wherever it stands: in a column of this name.
pub(crate) fn number_in(header: &str, value: &str) -> Option<Prohibited> {
    if !may_have_number(value) {
        return None;
    }
    let labelled = format!("{header} {value}");
    let found = phi::detect(&labelled);
    let header_units = header.encode_utf16().count();
    found.iter().filter(|finding| finding.end > header_units).find_map(|finding| {
        match finding.kind {
            Kind::Ssn => Some(Prohibited::SocialSecurityNumber),
            Kind::NhsNumber => Some(Prohibited::NhsNumber),
            Kind::RecordNumber => Some(Prohibited::MedicalRecordNumber),
            Kind::InsuranceNumber => Some(Prohibited::InsuranceNumber),
            Kind::DateOfBirth => Some(Prohibited::DateOfBirth),
            _ => None,
        }
    })
}

fn digits_of(value: &str) -> Option<String> {
    let separated = value.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '\u{a0}'));
    separated.then(|| value.chars().filter(char::is_ascii_digit).collect())
}

/// 123-45-6789, in its groups.
fn is_social_security(value: &str) -> bool {
    let groups: Vec<usize> = value.split(['-', ' ']).map(str::len).collect();
    groups == [3, 2, 4] && digits_of(value).is_some_and(|digits| digits.len() == 9)
}

/// Ten digits with a check digit modulo 11.
fn is_nhs(value: &str) -> bool {
    let Some(digits) = digits_of(value).filter(|digits| digits.len() == 10) else { return false };
    let weighted =
        digits.bytes().zip((1..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight);
    weighted.sum::<u32>() % 11 == 0 && digits.bytes().any(|digit| digit != digits.as_bytes()[0])
}

/// AB 12 34 56 C.
fn is_national_insurance(value: &str) -> bool {
    let bare: Vec<u8> = value.bytes().filter(|byte| *byte != b' ').collect();
    bare.len() == 9
        && bare[..2].iter().all(u8::is_ascii_alphabetic)
        && bare[2..8].iter().all(u8::is_ascii_digit)
        && matches!(bare[8].to_ascii_uppercase(), b'A'..=b'D')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_known_by_its_name() {
        for (header, expected) in [
            ("SSN", Some(Prohibited::SocialSecurityNumber)),
            ("Social Security No.", Some(Prohibited::SocialSecurityNumber)),
            ("NHS_No.", Some(Prohibited::NhsNumber)),
            ("nhsNumber", Some(Prohibited::NhsNumber)),
            ("N.I. Number", Some(Prohibited::NationalNumber)),
            ("NI Number", Some(Prohibited::NationalNumber)),
            ("NI", Some(Prohibited::NationalNumber)),
            ("Medical Record Number", Some(Prohibited::MedicalRecordNumber)),
            ("MRN", Some(Prohibited::MedicalRecordNumber)),
            ("patient_id", Some(Prohibited::MedicalRecordNumber)),
            ("PatientID", Some(Prohibited::MedicalRecordNumber)),
            ("Insurance Number", Some(Prohibited::InsuranceNumber)),
            ("Primary diagnosis", Some(Prohibited::Diagnosis)),
            ("Date of birth", Some(Prohibited::DateOfBirth)),
            ("D.O.B", Some(Prohibited::DateOfBirth)),
            ("DOB", Some(Prohibited::DateOfBirth)),
            ("Patient name", None),
            ("Customer ID", None),
            ("Phone number", None),
            ("Appointment type", None),
            ("Birmingham branch", None),
            ("", None),
        ] {
            assert_eq!(by_name(header), expected, "{header}");
        }
    }

    #[test]
    fn a_column_is_known_by_its_values() {
        let nhs = ["943 476 5919", "9434765919", "401 023 2137", "4010232137", "943-476-5919", ""];
        assert_eq!(by_values(nhs), Some(Prohibited::NhsNumber));
        assert_eq!(by_values(["943 476 5919"; 4]), None, "four may be chance");
        assert_eq!(by_values(["219-09-9999"; 5]), Some(Prohibited::SocialSecurityNumber));
        assert_eq!(by_values(["QQ 12 34 56 C"; 5]), Some(Prohibited::NationalNumber));
        let phones = ["07700 900123", "7700900124", "7700900125", "7700900126", "7700900127"];
        assert_eq!(by_values(phones), None);
    }

    #[test]
    fn a_number_in_a_text_is_found_with_its_header_as_label() {
        for (header, value, found, why) in [
            ("Room", "NHS no 943 476 5919", Some(Prohibited::NhsNumber), "labelled in the value"),
            (
                "Hospital number",
                "X1234567",
                Some(Prohibited::MedicalRecordNumber),
                "labelled by the header",
            ),
            ("Location", "12 Elm Street, EX1 2AB", None, "an address"),
            ("Type", "Check-up", None, "no number"),
        ] {
            assert_eq!(number_in(header, value), found, "{why}");
        }
    }
}
