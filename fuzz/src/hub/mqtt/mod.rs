//! MQTT 3.1.1: whatever is decoded is encoded and decoded to the same, in one piece or in many.

mod codec;

use std::num::NonZeroU16;

use codec::{
    Connect, Packet, Publish, Step,
    client::{self, ConnectPacket},
    decode, encode,
};

use super::ports::Qos;

/// As the hub has it.
const LIMIT: usize = 256 * 1024;

/// The input is what a client sends on one link.
pub fn mqtt(input: &[u8]) {
    let mut rest = input;
    while let Ok(step) = decode(rest, LIMIT) {
        let Step::Packet(packet, used) = step else { return is_patient(rest, step) };
        assert!(used >= 2, "every packet takes its bytes");
        is_the_same_alone_and_in_pieces(&rest[..used], &packet);
        comes_back(&packet);
        rest = &rest[used..];
    }
}

/// What is missing is less than what was announced, and nothing is judged before it is there.
fn is_patient(begun: &[u8], step: Step<'_>) {
    let Step::More(more) = step else { return };
    assert!(more > 0 && begun.len() + more <= LIMIT + 5, "{more} more after {}", begun.len());
}

fn is_the_same_alone_and_in_pieces(bytes: &[u8], packet: &Packet<'_>) {
    assert_eq!(decode(bytes, LIMIT), Ok(Step::Packet(packet.clone(), bytes.len())));
    // Every cut of a long packet would take too long.
    let cuts = (0..bytes.len().min(16)).chain(bytes.len().saturating_sub(4)..bytes.len());
    for cut in cuts {
        match decode(&bytes[..cut], LIMIT) {
            Ok(Step::More(more)) => assert!(more > 0 && cut + more <= bytes.len(), "asks for what does not come"),
            other => panic!("a part of a packet is {other:?}"),
        }
    }
}

/// Encoded as a client would, which need not be as it came.
fn comes_back(packet: &Packet<'_>) {
    let bytes = match packet {
        Packet::Connect(connect) => return connect_comes_back(connect),
        Packet::OtherLevel(_) => return,
        Packet::Publish(publish) => {
            is_delivered(publish);
            client::publish(publish.topic, publish.id, publish.retain, publish.payload)
        }
        Packet::PubAck(id) => client::puback(id.get()),
        Packet::Subscribe(subscribe) => {
            let filters: Vec<_> = subscribe.filters().map(|(filter, qos)| (filter, qos as u8)).collect();
            assert!(!filters.is_empty());
            return filters_come_back(subscribe.id, &filters);
        }
        Packet::Unsubscribe(unsubscribe) => {
            let filters: Vec<_> = unsubscribe.filters().collect();
            assert!(!filters.is_empty());
            client::unsubscribe(unsubscribe.id, &filters)
        }
        Packet::PingReq => client::PINGREQ.to_vec(),
        Packet::Disconnect => client::DISCONNECT.to_vec(),
    };
    assert_eq!(decode(&bytes, LIMIT), Ok(Step::Packet(packet.clone(), bytes.len())));
}

/// Filters by themselves: quality 2 is read as 1, so that the bytes differ.
fn filters_come_back(id: u16, filters: &[(&str, u8)]) {
    let bytes = client::subscribe(id, filters);
    let Ok(Step::Packet(Packet::Subscribe(again), _)) = decode(&bytes, LIMIT) else { panic!("{filters:?}") };
    assert_eq!((again.id, again.filters().map(|(f, q)| (f, q as u8)).collect::<Vec<_>>()), (id, filters.to_vec()));
    let granted: Vec<Qos> = again.filters().map(|(_, qos)| qos).collect();
    let mut out = Vec::new();
    encode::suback(&mut out, id, &granted);
    assert!(out.ends_with(&granted.iter().map(|qos| *qos as u8).collect::<Vec<_>>()));
}

fn connect_comes_back(connect: &Connect<'_>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let packet = ConnectPacket {
        client_id: connect.client_id.to_owned(),
        username: connect.username.map(str::to_owned),
        password: connect.password.map(text),
        keep_alive: connect.keep_alive,
        clean: connect.clean_session,
        will: connect.will.map(|will| (will.topic.to_owned(), will.payload.to_vec())),
    };
    let bytes = packet.bytes();
    // The encoder for tests knows neither wills to be retained nor passwords that are no text.
    let Ok(Step::Packet(Packet::Connect(again), used)) = decode(&bytes, LIMIT) else { panic!("{packet:?}") };
    assert_eq!(used, bytes.len());
    assert_eq!(
        (again.client_id, again.username, again.keep_alive, again.clean_session),
        (connect.client_id, connect.username, connect.keep_alive, connect.clean_session)
    );
    assert_eq!(again.will.map(|w| (w.topic, w.payload)), connect.will.map(|w| (w.topic, w.payload)));
    let other = Connect { password: connect.password.map(|_| &b"another"[..]), ..connect.clone() };
    assert_eq!(format!("{connect:?}"), format!("{other:?}"), "a password is shown");
}

/// A hub that sends the same to a device is understood.
fn is_delivered(publish: &Publish<'_>) {
    let mut out = vec![7];
    encode::publish(&mut out, publish.topic, publish.id.and_then(NonZeroU16::new), false, publish.payload)
        .expect("a topic that was read is not too long");
    let sent = Publish { retain: false, ..*publish };
    assert_eq!(decode(&out[1..], LIMIT + 8), Ok(Step::Packet(Packet::Publish(sent), out.len() - 1)));
}
