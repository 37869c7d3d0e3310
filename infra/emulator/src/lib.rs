//! What the local stack and the tests share: in-process AWS, provider simulators, faults and a clock.

pub mod clock;
pub mod connector;
pub mod dynamo;
pub mod http;
pub mod runtime_api;
pub mod sim;
pub mod sqs;
pub mod template;
