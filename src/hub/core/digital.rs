//! Digital twins: twins and methods in the words of Plug and Play (protocol reference 10, 15).

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{Core, Decision, MethodCall, device_link};
use crate::{
    hub::{
        failure::Failure,
        ports::Links,
        record::{DigitalPatch, Record, digital_view},
        store::Store,
        time,
    },
    iothub::{ETag, ErrorCode, IfMatch},
    twin::DeviceId,
};

/// A command of a device or of one of its components.
#[derive(Debug, Clone, Default)]
pub(crate) struct Command {
    pub(crate) component: Option<String>,
    pub(crate) name: String,
    /// Seconds as the request writes them.
    pub(crate) connect: Option<String>,
    pub(crate) response: Option<String>,
}

/// What came of a command.
#[derive(Debug, Deserialize)]
pub(crate) struct CommandAnswer {
    /// What the device says of it.
    pub(crate) status: i32,
    /// JSON text.
    pub(crate) payload: Box<RawValue>,
}

impl Command {
    /// The method that a device knows the command by.
    fn call(self, payload: &[u8]) -> Result<MethodCall, Failure> {
        let Self { component, name, connect, response } = self;
        let name = component.map_or_else(|| name.clone(), |component| format!("{component}*{name}"));
        let payload = if payload.is_empty() { b"null" } else { payload };
        let payload: &RawValue = serde_json::from_slice(payload)
            .map_err(|error| Failure::invalid(format!("the body is no JSON: {error}")))?;
        let quoted = |text: Option<String>| json!(text.filter(|text| !text.is_empty()));
        let (name, connect, response) = (Value::from(name), quoted(connect), quoted(response));
        let body = format!(
            "{{\"methodName\":{name},\"payload\":{payload},\"connectTimeoutInSeconds\":{connect},\
             \"responseTimeoutInSeconds\":{response}}}"
        );
        MethodCall::parse(body.as_bytes())
    }
}

impl<S: Store, L: Links> Core<S, L> {
    /// The digital twin as JSON text, and its etag.
    pub(crate) async fn digital_twin(&self, id: &DeviceId) -> Result<(String, ETag), Failure> {
        let record = self.record(&device_link(id)).await?;
        Ok((digital_view(&record)?, record.etag()))
    }

    /// Changes desired properties by a JSON Patch. The etag as it is now.
    pub(crate) async fn patch_digital_twin(
        &self,
        id: &DeviceId,
        body: &[u8],
        if_match: Option<&IfMatch>,
    ) -> Result<ETag, Failure> {
        let patch = DigitalPatch::parse(body)?;
        let change = |record: &mut Record| {
            if if_match.is_some_and(|if_match| !if_match.allows(&record.etag())) {
                return Err(Failure::stale());
            }
            let write = patch.write(record)?;
            let told = write.apply(record, &time::text(time::now()))?;
            Ok(if write.is_empty() { Decision::Leave(told) } else { Decision::Write(told) })
        };
        Ok(self.change_twin(&device_link(id), change).await?.etag())
    }

    /// Calls a command and waits for the device's answer.
    pub(crate) async fn command(
        &self,
        id: &DeviceId,
        command: Command,
        payload: &[u8],
    ) -> Result<CommandAnswer, Failure> {
        let answer = self.call(&device_link(id), command.call(payload)?).await?;
        let broken = |error| Failure::new(ErrorCode::ServerError, format!("the answer cannot be read: {error}"));
        serde_json::from_str(&answer).map_err(broken)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use bytes::Bytes;

    use super::*;
    use crate::{
        hub::{
            auth::{Authority, Policies},
            ports::{LinkId, MethodAnswer, MethodFault},
            store::SqliteStore,
        },
        iothub::DeviceIdentity,
    };

    /// Devices that answer what they were asked.
    struct Echo;

    impl Links for Echo {
        fn mail(&self, _: &LinkId) {}

        fn desired(&self, _: &LinkId, _: u64, _: Bytes) {}

        async fn call(
            &self,
            link: &LinkId,
            method: &str,
            payload: Bytes,
            connect: Duration,
            response: Duration,
        ) -> Result<MethodAnswer, MethodFault> {
            let payload: Value = serde_json::from_slice(&payload).unwrap();
            let asked = json!([link.to_string(), method, payload, connect.as_secs(), response.as_secs()]);
            Ok(MethodAnswer { status: 202, payload: asked.to_string().into() })
        }

        fn cut(&self, _: &LinkId) {}

        fn connected(&self) -> usize {
            0
        }
    }

    #[tokio::test]
    async fn a_command_of_a_component_is_a_method_with_a_star() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(Vec::new(), Policies::generate().unwrap());
        let core = Core::new(SqliteStore::open(folder.path()).unwrap(), Arc::new(Echo), authority);
        let id = DeviceId::new("d1").unwrap();
        core.put_identity(&id, DeviceIdentity { device_id: "d1".to_owned(), ..DeviceIdentity::default() }, None)
            .await
            .unwrap();
        let command = |component: Option<&str>, name: &str, seconds: &str| Command {
            component: component.map(str::to_owned),
            name: name.to_owned(),
            connect: Some(seconds.to_owned()),
            response: None,
        };
        let answer = core.command(&id, command(Some("thermo"), "reboot", "7"), b"{\"a\": 1.0}").await.unwrap();
        assert_eq!((answer.status, answer.payload.get()), (202, r#"["d1","thermo*reboot",{"a":1.0},7,30]"#));
        let empty = core.command(&id, command(None, "reboot", ""), b"").await.unwrap();
        assert_eq!(empty.payload.get(), r#"["d1","reboot",null,0,30]"#);
        for (name, seconds, payload) in [("a/b", "1", b"1".as_slice()), ("r", "1", b"{"), ("r", "soon", b"1")] {
            let refused = core.command(&id, command(None, name, seconds), payload).await.unwrap_err();
            assert_eq!(refused.code.number(), 400_004, "{name} {seconds}");
        }
    }
}
