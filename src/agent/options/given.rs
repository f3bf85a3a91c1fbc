//! What is given on a command line, whoever read it, and the configuration that it makes.

use std::path::PathBuf;

use super::{CONNECTION_VARIABLE, OptionsError, STATE};
use crate::{
    agent::{
        Allow, Allowed, Certificate, Config, Identity, Platform, Provisioning, Proxies, config::MqttAddress,
        provision::GLOBAL, read_secret,
    },
    iothub::{DeviceConnection, Key, RegistrationId},
};

/// The options of the agent, as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// A file with the device's connection string.
    pub connection_file: Option<PathBuf>,
    /// The chain of the device's certificate.
    pub certificate: Option<PathBuf>,
    /// The key of that certificate.
    pub key: Option<PathBuf>,
    /// The module to connect as.
    pub module: Option<String>,
    /// The id scope of a provisioning service.
    pub id_scope: Option<String>,
    /// Where that service is, if not at Azure's.
    pub provisioning_host: Option<String>,
    /// Who the device is there.
    pub registration_id: Option<String>,
    /// A file with the device's own key there.
    pub enrollment_key_file: Option<PathBuf>,
    /// A file with the key of the device's group there.
    pub group_key_file: Option<PathBuf>,
    /// Where MQTT is to be had.
    pub mqtt: Option<String>,
    /// By which way.
    pub transport: Option<String>,
    /// The proxy, without a password.
    pub proxy: Option<String>,
    /// A file with the proxy and its password.
    pub proxy_file: Option<PathBuf>,
    /// The authorities to trust.
    pub ca: Option<PathBuf>,
    /// The state folder.
    pub state: Option<PathBuf>,
    /// What the twin may touch.
    pub allowed: Allowed,
    /// The methods that may be called, as they are written.
    pub methods: Vec<String>,
    /// Where the file system begins.
    pub root: Option<PathBuf>,
    /// Whether drift is only reported.
    pub report_only: bool,
}

impl Given {
    /// The configuration. `variable` looks an environment variable up.
    ///
    /// # Errors
    /// When a file cannot be read, something makes no sense, or it is not said who the device is.
    pub fn into_config(self, variable: impl Fn(&str) -> Option<String>) -> Result<Config, OptionsError> {
        let methods = Allow::these(&self.methods).map_err(OptionsError::Method)?;
        let allowed = Allowed { methods, ..self.allowed.clone() };
        let platform = Platform::Linux { root: self.root.clone().unwrap_or_else(|| "/".into()), allowed };
        let mut config = Config::new(self.identity(&variable)?, self.state.unwrap_or_else(|| STATE.into()), platform);
        config.mqtt = self.mqtt.map(|text| text.parse()).transpose().map_err(OptionsError::Mqtt)?;
        config.certificate = match (self.certificate, self.key) {
            (Some(chain), Some(key)) => Some(Certificate { chain, key }),
            (None, None) => None,
            _ => return Err(OptionsError::Pair),
        };
        let transport = self.transport.map(|text| text.parse()).transpose();
        config.transport = transport.map_err(OptionsError::Transport)?.unwrap_or_default();
        let file = self.proxy_file.as_deref().map(read_secret).transpose().map_err(OptionsError::Secret)?;
        config.proxies =
            Proxies::choose(self.proxy.as_deref(), file.as_ref(), variable).map_err(OptionsError::Proxy)?;
        config.ca = self.ca;
        config.heal = !self.report_only;
        Ok(config)
    }

    fn identity(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Identity, OptionsError> {
        if let Some(id_scope) = &self.id_scope {
            return self.provisioning(id_scope).map(Identity::Provisioned);
        }
        let mut connection = connection(self.connection_file.as_deref(), variable)?;
        if self.module.is_some() {
            connection.module_id.clone_from(&self.module);
        }
        Ok(Identity::Known(connection))
    }

    fn provisioning(&self, id_scope: &str) -> Result<Provisioning, OptionsError> {
        let id = self.registration_id.as_deref().ok_or(OptionsError::NoRegistrationId)?;
        let id = RegistrationId::new(id).map_err(OptionsError::RegistrationId)?;
        let secret = |path: &PathBuf| {
            let text = read_secret(path).map_err(OptionsError::Secret)?;
            Key::parse(text.reveal()).map_err(|cause| OptionsError::Key { path: path.clone(), cause })
        };
        let key = match (&self.enrollment_key_file, &self.group_key_file, &self.certificate) {
            (Some(path), None, None) => Some(secret(path)?),
            (None, Some(path), None) => Some(secret(path)?.derive(id.as_str())),
            (None, None, Some(_)) => None,
            _ => return Err(OptionsError::Proof),
        };
        let host = self.provisioning_host.as_deref().unwrap_or(GLOBAL);
        let service = match host.parse() {
            Ok(address) => address,
            Err(_) => MqttAddress { host: host.to_owned(), port: 443 },
        };
        Ok(Provisioning { id_scope: id_scope.to_owned(), service, id, key, module: self.module.clone() })
    }
}

fn connection(
    file: Option<&std::path::Path>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<DeviceConnection, OptionsError> {
    let text = match file {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|cause| OptionsError::File { path: path.to_owned(), cause })?
        }
        None => variable(CONNECTION_VARIABLE).ok_or(OptionsError::NoConnection)?,
    };
    let text = zeroize::Zeroizing::new(text);
    DeviceConnection::parse(text.trim()).map_err(OptionsError::Connection)
}
