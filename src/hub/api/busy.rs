//! Whether a connection has anything to do, so that one that has not need not be kept.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use hyper::{Request, body::Body, header::EXPECT, service::Service};

use super::{
    super::ports::{PeerAddress, PeerCertificates},
    rest::Read,
    websocket::Switch,
};

/// The requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Requests {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Requests {
    /// How many there were, if none is under way.
    pub(super) fn idle(&self) -> Option<usize> {
        let ended = self.ended.load(Ordering::Acquire);
        (self.begun.load(Ordering::Acquire) == ended).then_some(ended)
    }
}

/// A service whose requests are counted, and know who is at the other end of their connection.
#[derive(Debug, Clone)]
pub(super) struct Counted<S> {
    pub(super) service: S,
    pub(super) requests: Arc<Requests>,
    pub(super) address: PeerAddress,
    pub(super) certificates: PeerCertificates,
    /// Present when the connection can be taken over.
    pub(super) switch: Option<Switch>,
}

/// Counts a request as ended, whatever its end.
struct UnderWay(Arc<Requests>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Release);
    }
}

impl<B, S> Service<Request<B>> for Counted<S>
where
    B: Body + Send + Unpin + 'static,
    S: Service<Request<Read<B>>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn call(&self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.address);
        request.extensions_mut().insert(self.certificates.clone());
        if let Some(switch) = &self.switch {
            request.extensions_mut().insert(switch.clone());
        }
        self.requests.begun.fetch_add(1, Ordering::Release);
        let under_way = UnderWay(Arc::clone(&self.requests));
        let is_awaited = request.headers().contains_key(EXPECT);
        let answer = self.service.call(request.map(|body| Read::new(body, is_awaited)));
        Box::pin(async move {
            let _under_way = under_way;
            answer.await
        })
    }
}
