//! Bytes written by hand, and laws.

use std::num::NonZeroU16;

use proptest::{collection::vec, option, prelude::*};

use super::{super::super::ports::Qos, client, client::ConnectPacket, encode::ConnectCode, *};

const LIMIT: usize = 1 << 18;

fn whole(input: &[u8]) -> Packet<'_> {
    match decode(input, LIMIT) {
        Ok(Step::Packet(packet, used)) if used == input.len() => packet,
        other => panic!("not one whole packet: {other:?}"),
    }
}

#[test]
fn packets_written_by_hand_are_read() {
    assert_eq!(whole(b"\xC0\x00"), Packet::PingReq);
    assert_eq!(whole(b"\xE0\x00"), Packet::Disconnect);
    assert_eq!(whole(b"\x40\x02\x12\x34"), Packet::PubAck(NonZeroU16::new(0x1234).unwrap()));
    let publish = Publish { topic: "a/b", payload: b"hi", retain: false, id: Some(7) };
    assert_eq!(whole(b"\x32\x09\x00\x03a/b\x00\x07hi"), Packet::Publish(publish));
    assert_eq!(whole(b"\x3A\x09\x00\x03a/b\x00\x07hi"), Packet::Publish(publish), "sent again");
    let retained = Publish { topic: "t", payload: b"", retain: true, id: None };
    assert_eq!(whole(b"\x31\x03\x00\x01t"), Packet::Publish(retained));
    let Packet::Subscribe(subscribe) = whole(b"\x82\x0A\x00\x01\x00\x01a\x00\x00\x01b\x02") else { panic!() };
    assert_eq!(subscribe.id, 1);
    assert_eq!(subscribe.filters().collect::<Vec<_>>(), [("a", Qos::AtMostOnce), ("b", Qos::AtLeastOnce)]);
    let Packet::Unsubscribe(unsubscribe) = whole(b"\xA2\x05\x00\x02\x00\x01a") else { panic!() };
    assert_eq!((unsubscribe.id, unsubscribe.filters().collect::<Vec<_>>()), (2, vec!["a"]));
}

#[test]
fn a_connect_written_by_hand_is_read() {
    let bytes = b"\x10\x1E\x00\x04MQTT\x04\xE6\x00\x3C\x00\x02d1\x00\x01w\x00\x02by\x00\x03u/d\x00\x02pw";
    let connect = Connect {
        client_id: "d1",
        clean_session: true,
        keep_alive: 60,
        will: Some(Will { topic: "w", payload: b"by", retain: true }),
        username: Some("u/d"),
        password: Some(b"pw"),
    };
    assert!(!format!("{connect:?}").contains("pw"));
    assert_eq!(whole(bytes), Packet::Connect(connect));
}

#[test]
fn of_other_protocol_levels_only_the_level_is_read() {
    assert_eq!(whole(b"\x10\x0B\x00\x06MQIsdp\x03\xFF\xFF"), Packet::OtherLevel(3));
    assert_eq!(whole(b"\x10\x08\x00\x04MQTT\x05\xC0"), Packet::OtherLevel(5));
}

#[test]
fn malformed_packets_are_named() {
    use CodecError as E;
    let cases: [(&[u8], E); 22] = [
        (b"\x00", E::Type(0)),
        (b"\x20\x02\x00\x00", E::Type(2)),
        (b"\x62\x02\x00\x01", E::Type(6)),
        (b"\xF0\x00", E::Type(15)),
        (b"\x11", E::Flags { kind: 1, flags: 1 }),
        (b"\x80", E::Flags { kind: 8, flags: 0 }),
        (b"\x38", E::Flags { kind: 3, flags: 8 }),
        (b"\x34", E::QosTwo),
        (b"\x36", E::Qos(3)),
        (b"\xC0\x80\x80\x80\x80", E::RemainingLength),
        (b"\xC0\x01\x00", E::Trailing(1)),
        (b"\x30\x80\x80\x80\x01", E::TooBig { length: 1 << 21, limit: LIMIT }),
        (b"\x40\x02\x00\x00", E::PacketId),
        (b"\x40\x01\x00", E::Truncated),
        (b"\x32\x05\x00\x01t\x00\x00", E::PacketId),
        (b"\x30\x03\x00\x02t", E::Truncated),
        (b"\x30\x03\x00\x01\xFF", E::Text),
        (b"\x30\x03\x00\x01\x00", E::Text),
        (b"\x82\x02\x00\x01", E::NoFilter),
        (b"\x82\x06\x00\x01\x00\x01a\x03", E::Qos(3)),
        (b"\xA2\x02\x00\x01", E::NoFilter),
        (b"\x10\x07\x00\x04HTTP\x04", E::Protocol),
    ];
    for (bytes, error) in cases {
        assert_eq!(decode(bytes, LIMIT), Err(error), "{bytes:x?}");
    }
}

#[test]
fn contradicting_connect_flags_are_refused() {
    let with = |flags| client::packet(0x10, &[b"\0\x04MQTT\x04".as_slice(), &[flags, 0, 60, 0, 1, b'd']].concat());
    for flags in [0x01, 0x08, 0x20, 0x40] {
        assert_eq!(decode(&with(flags), LIMIT), Err(CodecError::ConnectFlags(flags)));
    }
    assert_eq!(decode(&with(0x14), LIMIT), Err(CodecError::QosTwo));
    assert_eq!(decode(&with(0x1C), LIMIT), Err(CodecError::Qos(3)));
}

#[test]
fn server_packets_have_the_bytes_of_the_standard() {
    let mut out = Vec::new();
    encode::connack(&mut out, true, ConnectCode::Accepted);
    encode::connack(&mut out, false, ConnectCode::NotAuthorized);
    encode::connack_to_level_5(&mut out);
    encode::puback(&mut out, 0x0102);
    encode::suback(&mut out, 3, &[Qos::AtMostOnce, Qos::AtLeastOnce]);
    encode::unsuback(&mut out, 4);
    encode::pingresp(&mut out);
    encode::publish(&mut out, "t", NonZeroU16::new(5), false, b"x").unwrap();
    encode::publish(&mut out, "t", None, false, b"").unwrap();
    let wanted = [
        b"\x20\x02\x01\x00\x20\x02\x00\x05\x20\x03\x00\x84\x00\x40\x02\x01\x02\x90\x04\x00\x03\x00\x01".as_slice(),
        b"\xB0\x02\x00\x04\xD0\x00\x32\x06\x00\x01t\x00\x05x\x30\x03\x00\x01t",
    ];
    assert_eq!(out, wanted.concat());
}

#[test]
fn a_topic_that_is_too_long_leaves_the_buffer_alone() {
    let mut out = Vec::new();
    assert!(encode::publish(&mut out, &"t".repeat(65_536), None, false, b"").is_err());
    assert!(out.is_empty());
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9/$#+?=&ü ]{0,40}"
}

fn connect_packet() -> impl Strategy<Value = ConnectPacket> {
    let person = option::of((text(), option::of(text())));
    let will = option::of((text(), vec(any::<u8>(), 0..20)));
    (text(), person, any::<u16>(), any::<bool>(), will).prop_map(|(client_id, person, keep_alive, clean, will)| {
        let (username, password) = person.unzip();
        ConnectPacket { client_id, username, password: password.flatten(), keep_alive, clean, will }
    })
}

fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        connect_packet().prop_map(|connect| connect.bytes()),
        (text(), option::of(1..=u16::MAX), any::<bool>(), vec(any::<u8>(), 0..300))
            .prop_map(|(topic, id, retain, payload)| client::publish(&topic, id, retain, &payload)),
        (1..=u16::MAX, vec((text(), 0..=2_u8), 1..4)).prop_map(|(id, filters)| {
            client::subscribe(id, &filters.iter().map(|(f, q)| (f.as_str(), *q)).collect::<Vec<_>>())
        }),
        (1..=u16::MAX, vec(text(), 1..4))
            .prop_map(|(id, filters)| client::unsubscribe(id, &filters.iter().map(String::as_str).collect::<Vec<_>>())),
        (1..=u16::MAX).prop_map(client::puback),
        Just(client::PINGREQ.to_vec()),
        Just(client::DISCONNECT.to_vec()),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_without_a_panic_and_within_bounds(input in vec(any::<u8>(), 0..600)) {
        if let Ok(Step::Packet(packet, used)) = decode(&input, LIMIT) {
            prop_assert!(used <= input.len());
            prop_assert_eq!(decode(&input[..used], LIMIT), Ok(Step::Packet(packet, used)));
        }
    }

    #[test]
    fn damaged_packets_are_decoded_without_a_panic(
        mut bytes in any_packet(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&bytes, LIMIT);
    }

    #[test]
    fn piece_by_piece_is_as_good_as_whole(first in any_packet(), second in any_packet()) {
        let both = [first.as_slice(), &second].concat();
        let Ok(Step::Packet(packet, used)) = decode(&both, LIMIT) else { panic!("{both:x?}") };
        prop_assert_eq!(used, first.len());
        let mut have = 0;
        let again = loop {
            match decode(&first[..have], LIMIT)? {
                Step::More(more) => {
                    prop_assert!(more > 0 && have + more <= first.len(), "asks for what does not come");
                    have += 1;
                }
                Step::Packet(again, _) => break again,
            }
        };
        prop_assert_eq!(have, first.len());
        prop_assert_eq!(again, packet);
    }

    #[test]
    fn a_publish_comes_back_as_it_went(
        topic in text(), id in option::of(1..=u16::MAX), payload in vec(any::<u8>(), 0..70_000),
    ) {
        let mut bytes = Vec::new();
        encode::publish(&mut bytes, &topic, id.and_then(NonZeroU16::new), false, &payload).unwrap();
        let publish = Publish { topic: &topic, payload: &payload, retain: false, id };
        prop_assert_eq!(whole(&bytes), Packet::Publish(publish));
    }

    #[test]
    fn a_connect_comes_back_as_it_went(sent in connect_packet()) {
        let bytes = sent.bytes();
        let Packet::Connect(got) = whole(&bytes) else { panic!() };
        prop_assert_eq!(got.client_id, &sent.client_id);
        prop_assert_eq!((got.clean_session, got.keep_alive), (sent.clean, sent.keep_alive));
        prop_assert_eq!(got.username, sent.username.as_deref());
        prop_assert_eq!(got.password, sent.password.as_deref().map(str::as_bytes));
        prop_assert_eq!(got.will.map(|w| (w.topic, w.payload)), sent.will.as_ref().map(|(t, p)| (t.as_str(), &p[..])));
    }
}
