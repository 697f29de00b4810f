//! SQL of verifying the platform's two records, whole.

use crate::db::{Db, Error};
use crate::operators::Verified;

/// Each row's own hash, whether it hangs on the row before, and whether a number is missing.
const OPERATORS: &str = "
    with linked as (
        select n, chain_hash, row_hash, lag(n, 1, 0::bigint) over w as n_before,
            lag(chain_hash, 1, ''::bytea) over w as before,
            sha256(convert_to(concat_ws('|', 'operator', n, (extract(epoch from at) * 1000000)::bigint, operator, action,
                entity, detail::text), 'UTF8')) as right_row
        from operator_acts window w as (order by n))
    select count(*), min(n) filter (where row_hash <> right_row or chain_hash <> sha256(before || row_hash)
            or n <> n_before + 1),
        encode((array_agg(chain_hash order by n desc))[1], 'hex')
    from linked";

/// The same; which of the two words of a chain an entry was made with is in its hash only. The head tells whether the last
/// entries are missing.
const PEOPLE: &str = "
    with linked as (
        select n, chain_hash, row_hash, lag(n, 1, 0::bigint) over w as n_before,
            lag(chain_hash, 1, ''::bytea) over w as before,
            array(select sha256(convert_to(concat_ws('|', 'platform', word, n, (extract(epoch from at) * 1000000)::bigint,
                    actor, action, entity), 'UTF8') || coalesce(detail, ''::bytea))
                from unnest(array['changes', 'accesses']) word) as right_rows
        from platform_entries window w as (order by n)),
    looked as (
        select count(*) as entries, coalesce(max(n), 0) as last,
            min(n) filter (where row_hash <> all (right_rows) or chain_hash <> sha256(before || row_hash)
                or n <> n_before + 1) as broken,
            coalesce((array_agg(chain_hash order by n desc))[1], ''::bytea) as head
        from linked)
    select entries, coalesce(broken, case when (h.n, h.hash) is distinct from (last, head) then last + 1 end),
        nullif(encode(head, 'hex'), '')
    from looked, platform_head h";

/// Computes both records anew, from their first entry to their last.
///
/// # Errors
/// Any [`Error`].
pub async fn verify(db: &Db) -> Result<[Verified; 2], Error> {
    let mut found = Vec::new();
    for (record, query) in [("operator_acts", OPERATORS), ("platform_entries", PEOPLE)] {
        type Row = (i64, Option<i64>, Option<String>);
        let (entries, broken_at, head): Row =
            sqlx::query_as(query).fetch_one(db.engine_pool()).await?;
        found.push(Verified { record, entries, broken_at, head });
    }
    found.try_into().map_err(|_| Error::Unreadable("operator_acts"))
}
