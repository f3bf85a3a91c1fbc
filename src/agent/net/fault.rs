//! Why another machine is not reached.

use std::{error::Error, io};

use hyper::StatusCode;

/// Why another machine is not reached. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetError {
    #[error("it is no address that begins with https://")]
    Address,
    #[error("the name `{host}` cannot be looked up")]
    Name {
        host: String,
        #[source]
        cause: io::Error,
    },
    #[error("`{at}` cannot be reached")]
    Reach {
        at: String,
        #[source]
        cause: io::Error,
    },
    #[error("nobody answers at `{0}`")]
    Silent(String),
    #[error("the proxy `{at}` answers {status}")]
    Proxy { at: String, status: StatusCode },
    #[error("no trusted connection to `{host}`")]
    Tls {
        host: String,
        #[source]
        cause: io::Error,
    },
    #[error("the exchange broke off")]
    Http(#[from] hyper::Error),
    #[error("the connection broke off")]
    Broken(#[from] io::Error),
    #[error("the request cannot be written")]
    Request(#[from] hyper::http::Error),
    #[error("`{0}` does not speak MQTT over WebSocket")]
    WebSocket(String),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl NetError {
    /// Whether nobody was there to talk to, or something in between hung up; another port may be open.
    pub(crate) fn is_closed_way(&self) -> bool {
        match self {
            Self::Reach { .. } | Self::Silent(_) => true,
            // What the library itself finds wrong with a certificate is no matter of the way.
            Self::Tls { cause, .. } => !matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::Other),
            _ => false,
        }
    }

    /// Whether the same may go well later.
    pub(crate) fn may_pass(&self) -> bool {
        self.is_closed_way() || matches!(self, Self::Name { .. } | Self::Http(_) | Self::Broken(_))
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(fault: &dyn Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(below) = cause {
        let said = below.to_string();
        // Some libraries repeat their cause.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = below.source();
    }
    text
}
