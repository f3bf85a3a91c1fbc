//! Connection strings as they are handed around.

use proptest::prelude::*;

use super::*;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";

fn message(text: &str) -> String {
    ConnectionString::parse(text).unwrap_err().to_string()
}

#[test]
fn every_kind_reads_and_is_written_back() {
    for text in [
        format!("HostName=h.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}"),
        "HostName=h;SharedAccessSignature=SharedAccessSignature sr=h&sig=x%3D&se=1&skn=p".to_owned(),
        format!("HostName=h:8443;DeviceId=d=1;SharedAccessKey={KEY}"),
        format!("HostName=h;GatewayHostName=edge;DeviceId=d1;ModuleId=m1;SharedAccessKey={KEY}"),
        "HostName=h;DeviceId=d1;x509=true".to_owned(),
    ] {
        let (written, shown) = match ConnectionString::parse(&text).unwrap() {
            ConnectionString::Service(service) => (service.to_connection_string(), format!("{service} {service:?}")),
            ConnectionString::Device(device) => (device.to_connection_string(), format!("{device} {device:?}")),
        };
        assert_eq!(written.reveal(), text);
        assert!(!shown.contains(KEY) && !shown.contains("sig="), "{shown}");
    }
}

#[test]
fn order_and_a_last_semicolon_do_not_matter() {
    let text = format!(" SharedAccessKey={KEY};HostName=h;DeviceId=d1;\n");
    assert_eq!(DeviceConnection::parse(&text).unwrap().to_string(), "h/d1");
}

#[test]
fn blanks_around_a_part_are_no_part_of_its_value() {
    let read = ConnectionString::parse("SharedAccessSignature=token ;\tHostName=h").unwrap();
    let ConnectionString::Service(service) = &read else { panic!("for the service") };
    assert_eq!(service.to_connection_string().reveal(), "HostName=h;SharedAccessSignature=token");
}

#[test]
fn mistakes_are_named() {
    assert!(message("hostname=h").contains("did you mean `HostName`"));
    assert!(message("HostName=h;Endpoint=x").contains("no `Endpoint`"));
    assert!(message("HostName=h;HostName=g").contains("`HostName` stands twice"));
    assert!(message("DeviceId=d").contains("no `HostName`"));
    assert!(message("HostName=h;ModuleId=m").contains("no `DeviceId`"));
    assert!(message("HostName=h;DeviceId=d").contains("no `SharedAccessKey`"));
    assert!(message(&format!("HostName=h;DeviceId=d;SharedAccessKey={KEY};x509=true")).contains("and `x509`"));
    assert!(message("HostName=https://h;DeviceId=d;x509=true").contains("reading HostName"));
    assert!(message("HostName=h;DeviceId=d;x509=yes").contains("only `true`"));
    let service = format!("HostName=h;SharedAccessKeyName=p;SharedAccessKey={KEY}");
    let error = DeviceConnection::parse(&service).unwrap_err();
    assert_eq!(error.to_string(), "this is the connection string of a service; here that of a device is needed");
}

#[test]
fn a_key_pasted_alone_is_not_repeated() {
    let key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";
    assert!(!message(&format!("{key}=")).contains("c2Vj"));
    assert!(!message("HostName=h;DeviceId=d;SharedAccessKey=hunter2").contains("hunter2"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), parts in "(HostName|DeviceId|x509|SharedAccessKey|=|;|true|a){0,20}") {
        let _ = ConnectionString::parse(&text);
        let _ = ConnectionString::parse(&parts);
    }
}
