//! What a tenant may choose.

use shared::calls::rules::policy::{Allowance, Policy};

/// The policy of this JSON against the allowance of that: the faults, as sentences.
fn faults(policy: &str, allowance: &str) -> Vec<String> {
    let policy: Policy = serde_json::from_str(policy).unwrap();
    let allowance: Allowance = serde_json::from_str(allowance).unwrap();
    match policy.check(&allowance) {
        Ok(()) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_tenant_may_tighten_and_never_loosen() {
    for (policy, fault, why) in [
        ("{}", None, "the default is allowed"),
        (r#"{"window_limit": 5, "daily_limit": 20}"#, None, "fewer calls"),
        (r#"{"window_limit": 26}"#, Some("window_limit must be at most 25"), "more calls"),
        (r#"{"window_limit": 0}"#, Some("window_limit must be at least 1"), "that is a pause"),
        (r#"{"daily_limit": 301}"#, Some("daily_limit must be at most 300"), "more in a day"),
        (r#"{"gap_minutes": 479}"#, Some("gap_minutes must be at least 480"), "a shorter gap"),
        (r#"{"gap_minutes": 1440}"#, None, "a longer gap"),
        (
            r#"{"gap_minutes": 4000000000}"#,
            Some("gap_minutes must be at most 525600"),
            "a gap of thousands of years",
        ),
        (r#"{"max_attempts": 3}"#, Some("max_attempts must be at most 2"), "a third attempt"),
        (r#"{"number_week_campaign_limit": 0}"#, None, "no campaign calls at all"),
        (
            r#"{"call_before_hours": 169}"#,
            Some("call_before_hours must be at most 168"),
            "more than a week before",
        ),
        (
            r#"{"call_before_hours": 0}"#,
            Some("call_before_hours must be at least 1"),
            "at the appointment itself",
        ),
        (
            r#"{"minimum_notice_minutes": 60}"#,
            Some("minimum_notice_minutes must be at least 120"),
            "less notice",
        ),
        (
            r#"{"calls_now_per_contact_per_day": 6}"#,
            Some("calls_now_per_contact_per_day must be at most 5"),
            "a sixth call now",
        ),
        (
            r#"{"campaign_share_percent": 101}"#,
            Some("campaign_share_percent must be at most 100"),
            "more than all",
        ),
        (
            r#"{"calling_hours": {"monday": {"opens": "07:59", "closes": "20:00"}}}"#,
            Some("calling_hours.monday.opens must not be before 08:00"),
            "earlier in the morning",
        ),
        (
            r#"{"calling_hours": {"sunday": {"opens": "08:00", "closes": "20:01"}}}"#,
            Some("calling_hours.sunday.closes must not be after 20:00"),
            "later in the evening",
        ),
        (
            r#"{"calling_hours": {"friday": {"opens": "12:00", "closes": "11:00"}}}"#,
            Some("calling_hours.friday.closes must be 15 minutes after opening"),
            "closing before opening",
        ),
        (r#"{"calling_hours": {"sunday": null}}"#, None, "closed on Sundays"),
        (
            r#"{"calling_hours": {"monday": null, "tuesday": null, "wednesday": null,
                "thursday": null, "friday": null, "saturday": null, "sunday": null}}"#,
            Some("calling_hours must not be empty: nobody could be called"),
            "never open",
        ),
        (r#"{"number_regions": ["GB"]}"#, None, "fewer regions"),
        (
            r#"{"number_regions": ["GB", "US"]}"#,
            Some("number_regions can only be allowed by a platform administrator"),
            "another country",
        ),
        (
            r#"{"allow_test_numbers": true}"#,
            Some("allow_test_numbers can only be allowed by a platform administrator"),
            "numbers of nobody",
        ),
    ] {
        assert_eq!(faults(policy, "{}"), Vec::from_iter(fault.map(str::to_owned)), "{why}");
    }
}

#[test]
fn a_platform_administrator_may_loosen_for_one_tenant() {
    let loose = r#"{"window_limit_at_most": 100, "opens_not_before": "07:00",
        "number_regions": ["GB", "US"]}"#;
    let policy = r#"{"window_limit": 100, "number_regions": ["US"], "consent_required": true,
        "calling_hours": {"monday": {"opens": "07:00", "closes": "20:00"}}}"#;
    assert_eq!(faults(policy, loose), Vec::<String>::new());
    let without = "consent_required can only be allowed by a platform administrator";
    let stricter = r#"{"may_call_without_consent": false}"#;
    assert_eq!(faults("{}", stricter), [without], "or allow less than the default");
}

#[test]
fn every_fault_is_named_at_once() {
    let policy = r#"{"window_limit": 26, "gap_minutes": 0, "max_attempts": 0}"#;
    assert_eq!(faults(policy, "{}").len(), 3);
}
