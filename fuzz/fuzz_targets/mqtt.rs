#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| twinops_fuzz::mqtt(input));
