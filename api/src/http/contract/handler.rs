//! Reading a handler's signature.

use std::future::Future;

use super::draft::{Answer, Draft, Takes};
use crate::http::Problem;

/// A handler of which all parameters and the answer can be described. `T` is the tuple of its parameters.
pub(crate) trait Described<T> {
    /// Adds them to the draft.
    fn describe(draft: &mut Draft<'_>);
}

macro_rules! described {
    ($($param:ident)*) => {
        impl<F, Fut, R, $($param),*> Described<($($param,)*)> for F
        where
            F: Fn($($param),*) -> Fut,
            Fut: Future<Output = Result<R, Problem>>,
            R: Answer,
            $($param: Takes,)*
        {
            fn describe(draft: &mut Draft<'_>) {
                $($param::describe(draft);)*
                R::describe(draft);
            }
        }
    };
}

described!();
described!(A1);
described!(A1 A2);
described!(A1 A2 A3);
described!(A1 A2 A3 A4);
described!(A1 A2 A3 A4 A5);
described!(A1 A2 A3 A4 A5 A6);
described!(A1 A2 A3 A4 A5 A6 A7);
