//! A JSON array of objects as lines, byte for byte, however it is laid out: its commas become line ends, and what was a
//! line end between two tokens becomes a space.

/// Where in the array the next byte stands.
#[derive(Debug, Default)]
pub(super) struct Flatten {
    depth: u32,
    in_text: bool,
    escaped: bool,
}

impl Flatten {
    /// Rewrites the bytes that come next.
    pub(super) fn rewrite(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next(*byte);
        }
    }

    fn next(&mut self, byte: u8) -> u8 {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return byte;
        }
        match byte {
            b'"' => self.in_text = true,
            b'[' | b'{' => {
                self.depth += 1;
                if self.depth == 1 {
                    return b' ';
                }
            }
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return b'\n';
                }
            }
            b',' if self.depth == 1 => return b'\n',
            b'\n' | b'\r' => return b' ',
            _ => {}
        }
        byte
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    proptest! {
        #[test]
        fn the_lines_are_the_items(texts in prop::collection::vec("[a-z\",{}\\[\\]\\\\\n]{0,8}", 0..5), pretty in any::<bool>(), cut in 0_usize..64) {
            let items: Vec<Value> = texts.iter().map(|text| json!({ "deviceId": text, "tags": { "l": [1, { "x": text }] } })).collect();
            let all = Value::Array(items.clone());
            let mut bytes = if pretty { format!("{all:#}\n") } else { all.to_string() }.into_bytes();
            let mut flatten = Flatten::default();
            let cut = cut.min(bytes.len());
            let (first, rest) = bytes.split_at_mut(cut);
            flatten.rewrite(first);
            flatten.rewrite(rest);
            let text = String::from_utf8(bytes).unwrap();
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let read: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(read, items);
        }
    }
}
