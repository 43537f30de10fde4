//! What holds without a browser and without a process: the contract, routing, and the workspace's own files.

mod compatibility;
mod contracts_import_boundary;
mod fuzz;
mod workflows;
