//! What is searched for, and how the unencrypted copy is asked the same.

use std::time::Instant;

use crate::bench::round;
use crate::bench::set::Set;

/// What is asked, and how the unencrypted copy is asked the same.
pub(super) const QUERIES: [(&str, &str, &str); 12] = [
    ("two letters, common", "an", "doc like '%an%'"),
    ("two letters, rare", "zj", "doc like '%zj%'"),
    ("two digits", "07", "doc like '%07%'"),
    ("a common word", "the", "doc like '%the%'"),
    ("a name", "smith", "doc like '%smith%'"),
    ("a rare name", "featherstone", "doc like '%featherstone%'"),
    ("nobody", "zzxyq", "doc like '%zzxyq%'"),
    ("a part of a number", "7700 9001", "doc like '%77009001%'"),
    ("only an exclusion", "-smith", "doc not like '%smith%'"),
    ("a phrase", "\"gate code\"", "doc like '%gate code%'"),
    (
        "three words",
        "patel boiler quote",
        "doc like '%patel%' and doc like '%boiler%' and doc like '%quote%'",
    ),
    (
        "all operators",
        "notes:gate jo* -\"second floor\" the",
        "doc like '%gate%' and doc like '%jo%' and doc not like '%second floor%' and doc like '%the%'",
    ),
];

/// Count and first page of the copy: the best of five.
pub(super) async fn plain_ms(set: &Set, condition: &'static str) -> anyhow::Result<f64> {
    let count = format!("select count(*) from plain where {condition}");
    let page = format!("select doc from plain where {condition} order by name limit 50");
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let begun = Instant::now();
        for statement in [&count, &page] {
            #[expect(clippy::disallowed_methods, reason = "conditions are literals of this file")]
            let statement = sqlx::AssertSqlSafe(statement.as_str());
            sqlx::query(statement).fetch_all(&set.admin).await?;
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(round(best))
}
