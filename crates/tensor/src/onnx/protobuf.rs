//! Protocol buffers, as much as is needed to write them: fields of whole numbers, floats, bytes and messages.
//!
//! A message is its fields one after another, each a key (its number and how long it is) and a value. A message inside is
//! bytes with their length in front. See <https://protobuf.dev/programming-guides/encoding/>.

/// How the length of a field is told.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Bytes = 2,
    FourBytes = 5,
}

/// A message that is being written.
#[derive(Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// The message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        // Seven bits a byte, the lowest first; the eighth says that more follow.
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field) << 3 | wire as u64);
    }

    /// A whole number; negative ones take ten bytes, as two's complement.
    pub fn int(&mut self, field: u32, value: i64) {
        self.key(field, Wire::Varint);
        self.varint(value.cast_unsigned());
    }

    /// A float of four bytes.
    pub fn float(&mut self, field: u32, value: f32) {
        self.key(field, Wire::FourBytes);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Bytes, or text.
    pub fn bytes(&mut self, field: u32, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.key(field, Wire::Bytes);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A message inside this one.
    pub fn message(&mut self, field: u32, write: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        write(&mut inner);
        self.bytes(field, inner.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the specification.
    #[test]
    fn fields_have_the_bytes_of_the_specification() {
        let mut message = Message::default();
        message.int(1, 150);
        assert_eq!(message.into_bytes(), [0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.bytes(2, "testing");
        assert_eq!(message.into_bytes(), [0x12, 7, b't', b'e', b's', b't', b'i', b'n', b'g']);
        let mut message = Message::default();
        message.message(3, |inner| inner.int(1, 150));
        assert_eq!(message.into_bytes(), [0x1a, 3, 0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.int(2, -2);
        assert_eq!(message.into_bytes(), [&[0x10, 0xfe][..], &[0xff; 8], &[0x01]].concat());
        let mut message = Message::default();
        message.float(2, 1.0);
        assert_eq!(message.into_bytes(), [0x15, 0, 0, 0x80, 0x3f]);
    }
}
