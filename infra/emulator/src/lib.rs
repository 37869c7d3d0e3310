//! Shared by the local stack and the tests: in-process AWS services, provider simulators, faults and a clock.

pub mod clock;
pub mod connector;
pub mod deployed;
pub mod dynamo;
pub mod faults;
pub mod gateway;
pub mod http;
pub mod iam;
mod idle;
pub mod private;
pub mod remote;
pub mod runtime_api;
pub mod ses;
pub mod sim;
pub mod sqs;
pub mod ssm;
pub mod stack;
pub mod template;
