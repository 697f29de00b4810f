//! The list of routes.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter};

use super::draft::Draft;
use super::handler::Described;
use super::operation::Operation;
use crate::app::App;

/// What adds a handler's signature to a draft.
type Describe = fn(&mut Draft<'_>);

/// One route of the contract.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) tag: &'static str,
    pub(super) operation: Operation,
    pub(super) describe: Describe,
}

/// The methods of one path.
#[derive(Debug)]
pub(crate) struct Methods {
    router: MethodRouter<App>,
    routes: Vec<(&'static str, Operation, Describe)>,
}

macro_rules! methods {
    ($($name:ident $filter:ident $word:literal),+) => {
        impl Methods {
            $(
                #[doc = concat!("Answers ", $word, " with `handler`.")]
                pub(crate) fn $name<H, T, D>(mut self, operation: Operation, handler: H) -> Self
                where
                    H: Handler<T, App> + Described<D>,
                    T: 'static,
                {
                    self.router = self.router.on(MethodFilter::$filter, handler);
                    self.routes.push(($word, operation, H::describe));
                    self
                }
            )+
        }
    };
}

macro_rules! first_methods {
    ($($name:ident $word:literal),+) => {$(
        #[doc = concat!("Answers ", $word, " with `handler`.")]
        pub(crate) fn $name<H, T, D>(operation: Operation, handler: H) -> Methods
        where
            H: Handler<T, App> + Described<D>,
            T: 'static,
        {
            Methods { router: MethodRouter::new(), routes: Vec::new() }.$name(operation, handler)
        }
    )+};
}

methods!(get GET "get", post POST "post", put PUT "put", patch PATCH "patch", delete DELETE "delete");
first_methods!(get "get", post "post", put "put", delete "delete");

/// Routes with their descriptions.
#[derive(Debug)]
pub(crate) struct Routes {
    router: Router<App>,
    tag: &'static str,
    pub(super) all: Vec<Route>,
}

impl Routes {
    /// No routes yet. Those that are added stand under the heading `tag`.
    pub(crate) fn tagged(tag: &'static str) -> Self {
        Self { router: Router::new(), tag, all: Vec::new() }
    }

    /// Adds a path. What is in braces is a parameter, read by [`crate::http::Path`].
    pub(crate) fn at(mut self, path: &str, methods: Methods) -> Self {
        self.router = self.router.route(path, methods.router);
        self.all.extend(methods.routes.into_iter().map(|(method, operation, describe)| Route {
            method,
            path: path.to_owned(),
            tag: self.tag,
            operation,
            describe,
        }));
        self
    }

    /// Adds other routes below `prefix`.
    pub(crate) fn nest(mut self, prefix: &str, other: Self) -> Self {
        self.router = self.router.nest(prefix, other.router);
        self.all.extend(other.all.into_iter().map(|route| Route {
            // axum serves the root of what is nested at the prefix itself, without a slash.
            path: format!("{prefix}{}", if route.path == "/" { "" } else { &route.path }),
            ..route
        }));
        self
    }

    /// Adds other routes.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.all.extend(other.all);
        self
    }

    /// What axum serves.
    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }
}
