//! Our programs as processes: `relayd`, `odb-cli`, and the clients of others.

mod agents;
mod correlation;
mod dashboard;
mod documents_run;
mod domains;
mod examples;
mod firefox_system;
mod health_system;
mod legacy_clients;
mod mcp;
mod perimeter;
mod published_schemas;
mod relay_server;
mod relay_system;
mod rollback;
mod surroundings;
mod tls;
mod tour;
