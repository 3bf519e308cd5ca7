//! A reader of pickles that runs nothing.
//!
//! A pickle is a program for a small stack machine, and Python's own machine calls any function that it names. This one
//! knows the instructions that `torch.save` writes for a state dictionary, and takes functions from a list: naming one
//! makes a [`Object::Call`], which says what was to be called with what. Any other instruction or name is an error.
//!
//! No instruction makes more objects than it has bytes, or takes from the stack, so a pickle of n bytes needs memory for
//! about n objects.

use std::collections::HashMap;

/// Position of an object among all that a pickle made. Objects refer to each other by these, so that one which is stored
/// and changed later is changed everywhere.
pub(super) type Id = usize;

/// Something that a pickle made.
#[derive(Debug, PartialEq)]
pub(super) enum Object {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A name that may be called or referred to: module and name.
    Global(String),
    /// A call that was asked for: of what, with which tuple.
    Call(Id, Id),
    /// Something that lies outside the pickle, and how it is described.
    Persistent(Id),
}

/// All objects of a pickle, and the one that it stands for.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    root: Id,
}

impl Pickle {
    /// The object that the pickle stands for.
    pub fn root(&self) -> &Object {
        &self.objects[self.root]
    }

    /// An object.
    pub fn get(&self, id: Id) -> &Object {
        &self.objects[id]
    }
}

/// What became of reading, or what is wrong.
type Result<T> = std::result::Result<T, String>;

/// The newest protocol; those after it may have other instructions.
const NEWEST_PROTOCOL: u8 = 5;

/// What makes an empty dictionary when it is called.
const ORDERED_DICT: &str = "collections.OrderedDict";

/// Reads a pickle that names nothing but what is `allowed`, as `module.name`.
pub(super) fn parse(bytes: &[u8], allowed: &[&str]) -> Result<Pickle> {
    let mut machine =
        Machine { bytes, at: 0, allowed, objects: Vec::new(), stack: Vec::new(), memo: HashMap::new() };
    loop {
        let start = machine.at;
        let root = machine.step().map_err(|what| format!("{what}, at byte {start} of the pickle"))?;
        if let Some(root) = root {
            return Ok(Pickle { objects: machine.objects, root });
        }
    }
}

/// What lies on the stack.
#[derive(Clone, Copy)]
enum Slot {
    Mark,
    Object(Id),
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    allowed: &'a [&'a str],
    objects: Vec<Object>,
    stack: Vec<Slot>,
    memo: HashMap<u32, Id>,
}

impl Machine<'_> {
    /// Runs one instruction; the last one gives the object that the pickle stands for.
    fn step(&mut self) -> Result<Option<Id>> {
        let [instruction] = self.take()?;
        match instruction {
            0x80 => {
                let [protocol] = self.take()?;
                if protocol > NEWEST_PROTOCOL {
                    return Err(format!("protocol {protocol} is newer than {NEWEST_PROTOCOL}"));
                }
            }
            // The length of what follows, for readers that fetch it piece by piece.
            0x95 => drop(self.take::<8>()?),
            b'.' => return self.pop().map(Some),
            b'(' => self.stack.push(Slot::Mark),
            b'N' => self.push(Object::None),
            0x88 => self.push(Object::Bool(true)),
            0x89 => self.push(Object::Bool(false)),
            b'K' => {
                let [byte] = self.take()?;
                self.push(Object::Int(i64::from(byte)));
            }
            b'M' => {
                let number = u16::from_le_bytes(self.take()?);
                self.push(Object::Int(i64::from(number)));
            }
            b'J' => {
                let number = i32::from_le_bytes(self.take()?);
                self.push(Object::Int(i64::from(number)));
            }
            0x8a => self.long()?,
            b'G' => {
                let number = f64::from_be_bytes(self.take()?);
                self.push(Object::Float(number));
            }
            b'X' => {
                let length = u32::from_le_bytes(self.take()?);
                self.text(length as usize)?;
            }
            0x8c => {
                let [length] = self.take()?;
                self.text(usize::from(length))?;
            }
            b'}' => self.push(Object::Dict(Vec::new())),
            b']' => self.push(Object::List(Vec::new())),
            b')' => self.push(Object::Tuple(Vec::new())),
            0x85..=0x87 => {
                let length = usize::from(instruction - 0x84);
                let first = self.stack.len().checked_sub(length).ok_or("the stack is too short")?;
                self.tuple(first)?;
            }
            b't' => {
                let first = self.after_mark()?;
                self.tuple(first)?;
                // The mark lies below the tuple.
                self.stack.swap_remove(first - 1);
            }
            b'a' => {
                let item = self.pop()?;
                self.extend_list(&[item])?;
            }
            b'e' => {
                let items = self.marked()?;
                self.extend_list(&items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.extend_dict(&[key, value])?;
            }
            b'u' => {
                let items = self.marked()?;
                self.extend_dict(&items)?;
            }
            b'c' => {
                let name = format!("{}.{}", self.line()?, self.line()?);
                self.global(name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Object::Text(name), Object::Text(module)) = (&self.objects[name], &self.objects[module])
                else {
                    return Err("a name that is no text".into());
                };
                self.global(format!("{module}.{name}"))?;
            }
            b'R' => self.call()?,
            b'b' => self.build()?,
            b'Q' => {
                let described = self.pop()?;
                self.push(Object::Persistent(described));
            }
            b'q' => {
                let [slot] = self.take()?;
                self.store(u32::from(slot))?;
            }
            b'r' => {
                let slot = u32::from_le_bytes(self.take()?);
                self.store(slot)?;
            }
            0x94 => self.store(self.memo.len() as u32)?,
            b'h' => {
                let [slot] = self.take()?;
                self.recall(u32::from(slot))?;
            }
            b'j' => {
                let slot = u32::from_le_bytes(self.take()?);
                self.recall(slot)?;
            }
            other => return Err(format!("has instruction {other:#04x}, which no state dictionary needs")),
        }
        Ok(None)
    }

    /// The next bytes.
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(N)?);
        Ok(array)
    }

    fn slice(&mut self, length: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or("ends in the middle of an instruction")?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Result<String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("ends in the middle of a name")?;
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(line)
    }

    fn text(&mut self, length: usize) -> Result<()> {
        let text =
            std::str::from_utf8(self.slice(length)?).map_err(|_| "has text that is not UTF-8")?.to_owned();
        self.push(Object::Text(text));
        Ok(())
    }

    /// A whole number of up to eight bytes in two's complement.
    fn long(&mut self) -> Result<()> {
        let [length] = self.take()?;
        let bytes = self.slice(usize::from(length))?;
        if bytes.len() > 8 {
            return Err(format!("has a whole number of {length} bytes, and 8 can be read"));
        }
        let sign = bytes.last().is_some_and(|&byte| byte >= 0x80);
        let mut array = [if sign { 0xff } else { 0 }; 8];
        array[..bytes.len()].copy_from_slice(bytes);
        self.push(Object::Int(i64::from_le_bytes(array)));
        Ok(())
    }

    fn push(&mut self, object: Object) {
        self.stack.push(Slot::Object(self.objects.len()));
        self.objects.push(object);
    }

    fn pop(&mut self) -> Result<Id> {
        match self.stack.pop() {
            Some(Slot::Object(id)) => Ok(id),
            Some(Slot::Mark) => Err("takes a mark for an object".into()),
            None => Err("takes an object from an empty stack".into()),
        }
    }

    fn top(&self) -> Result<Id> {
        match self.stack.last() {
            Some(Slot::Object(id)) => Ok(*id),
            _ => Err("needs an object on the stack".into()),
        }
    }

    /// Where the objects above the last mark begin.
    fn after_mark(&self) -> Result<usize> {
        let mark = self.stack.iter().rposition(|slot| matches!(slot, Slot::Mark));
        mark.map(|mark| mark + 1).ok_or_else(|| "needs a mark on the stack".into())
    }

    /// The objects above the last mark, taken off the stack together with it.
    fn marked(&mut self) -> Result<Vec<Id>> {
        let first = self.after_mark()?;
        let items = self.split_off(first)?;
        self.stack.pop();
        Ok(items)
    }

    fn split_off(&mut self, first: usize) -> Result<Vec<Id>> {
        let slots = self.stack.split_off(first);
        let object = |slot: Slot| match slot {
            Slot::Object(id) => Ok(id),
            Slot::Mark => Err("takes a mark for an object".into()),
        };
        slots.into_iter().map(object).collect()
    }

    fn tuple(&mut self, first: usize) -> Result<()> {
        let items = self.split_off(first)?;
        self.push(Object::Tuple(items));
        Ok(())
    }

    fn extend_list(&mut self, items: &[Id]) -> Result<()> {
        let list = self.top()?;
        match &mut self.objects[list] {
            Object::List(list) => list.extend(items),
            _ => return Err("appends to what is no list".into()),
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Id]) -> Result<()> {
        let dict = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        match &mut self.objects[dict] {
            Object::Dict(dict) if rest.is_empty() => {
                dict.extend(pairs.iter().map(|[key, value]| (*key, *value)))
            }
            Object::Dict(_) => return Err("has a key without a value".into()),
            _ => return Err("sets an item of what is no dictionary".into()),
        }
        Ok(())
    }

    fn global(&mut self, name: String) -> Result<()> {
        if !self.allowed.contains(&name.as_str()) {
            return Err(format!("names {name}, which no state dictionary of tensors needs"));
        }
        self.push(Object::Global(name));
        Ok(())
    }

    fn call(&mut self) -> Result<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Object::Global(name), Object::Tuple(items)) =
            (&self.objects[function], &self.objects[arguments])
        else {
            return Err("calls what is no function of the list".into());
        };
        let is_dict = name == ORDERED_DICT;
        if is_dict && !items.is_empty() {
            return Err(format!("calls {name} with arguments"));
        }
        self.push(if is_dict { Object::Dict(Vec::new()) } else { Object::Call(function, arguments) });
        Ok(())
    }

    /// Attributes of an object: a state dictionary has some about the versions of layers, which nothing here reads.
    fn build(&mut self) -> Result<()> {
        self.pop()?;
        let object = self.top()?;
        match self.objects[object] {
            Object::Dict(_) => Ok(()),
            _ => Err("sets attributes of what is no dictionary".into()),
        }
    }

    fn store(&mut self, slot: u32) -> Result<()> {
        let object = self.top()?;
        self.memo.insert(slot, object);
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Result<()> {
        let object = *self.memo.get(&slot).ok_or("recalls what it has not stored")?;
        self.stack.push(Slot::Object(object));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_are_stored_are_changed_everywhere() {
        // d = {}; t = (d, d); d["a"] = -2; stands for t.
        let bytes = b"\x80\x02}q\x00h\x00\x86h\x00X\x01\x00\x00\x00aJ\xfe\xff\xff\xffs0";
        assert!(parse(bytes, &[]).unwrap_err().contains("0x30"), "POP is not needed");
        let pickle = parse(b"\x80\x02}q\x00(X\x01\x00\x00\x00a\x8a\x01\xfeuh\x00\x86.", &[]).unwrap();
        let Object::Tuple(items) = pickle.root() else { panic!("{:?}", pickle.root()) };
        assert_eq!(items[0], items[1]);
        let Object::Dict(pairs) = pickle.get(items[0]) else { panic!("a dictionary") };
        assert_eq!(
            (pickle.get(pairs[0].0), pickle.get(pairs[0].1)),
            (&Object::Text("a".into()), &Object::Int(-2))
        );
    }

    #[test]
    fn what_is_not_on_the_list_is_named() {
        let error = parse(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.", &["collections.OrderedDict"]);
        let error = error.unwrap_err();
        assert!(error.contains("names os.system") && error.contains("byte 2"), "{error}");
        let stacked = parse(b"\x80\x04\x8c\x02os\x8c\x06system\x93.", &[]).unwrap_err();
        assert!(stacked.contains("names os.system"), "{stacked}");
        assert!(parse(b"\x80\x09.", &[]).unwrap_err().contains("protocol 9"));
        assert!(parse(b"", &[]).unwrap_err().contains("ends"));
    }

    #[test]
    fn tuples_end_at_their_mark() {
        let pickle = parse(b"(K\x01(K\x02K\x03tt.", &[]).unwrap();
        let Object::Tuple(outer) = pickle.root() else { panic!("{:?}", pickle.root()) };
        assert_eq!(outer.len(), 2);
        assert_eq!(pickle.get(outer[0]), &Object::Int(1));
        let Object::Tuple(inner) = pickle.get(outer[1]) else { panic!("a tuple") };
        assert_eq!(
            inner.iter().map(|&id| pickle.get(id)).collect::<Vec<_>>(),
            [&Object::Int(2), &Object::Int(3)]
        );
    }
}
