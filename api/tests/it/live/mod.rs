//! Live updates over real sockets, of several API processes in front of one database and one Redis.

mod access;
mod limits;
mod order;
mod resume;
mod server;
mod tickets;
mod trouble;
mod view;
