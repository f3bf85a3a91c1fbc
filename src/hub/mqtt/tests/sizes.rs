//! What an idle link weighs. There may be a hundred thousand of them: whoever makes one of these bigger should know.

use tokio::net::{TcpListener, TcpStream};

use super::{
    super::{connection::Connection, mailbox::Mailbox},
    *,
};
use crate::hub::tls;

fn at_most<T>(most: usize) {
    let size = size_of::<T>();
    assert!(size <= most, "{} takes {size} bytes", std::any::type_name::<T>());
}

#[test]
fn the_parts_of_a_link_are_small() {
    at_most::<Connection<tls::Stream<TcpStream>, Core>>(480);
    at_most::<Connection<TcpStream, Core>>(480);
    at_most::<Mailbox>(112);
}

#[tokio::test]
async fn the_task_of_a_link_is_small() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let hub = Hub::new();
    let link = Arc::clone(&hub.server).serve_link(stream, PeerCertificates::default(), PEER, hub.stop.clone());
    let size = size_of_val(&link);
    assert!(size <= 352, "{size} bytes");
}
