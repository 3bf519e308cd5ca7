//! The work of a step as one graph, and what must hold of a step that is to become one.
//!
//! A graph does the same launches with the same arguments at every replay, on the same addresses. So the step is
//! rehearsed first: it runs as always, but what it allocates comes from the graph's own pool, and its launches are noted.
//! Then it is captured, and every launch must be the one that was noted, argument by argument; only addresses may differ,
//! and what a launcher says varies (see [`Arguments::vary`](crate::launch::Arguments::vary)). A step that would not be
//! replayed truly is an error, not a wrong result.

use crate::arena::{Arena, PoolId};
use crate::error::During;
use crate::launch::{Arguments, Grid};
use crate::{Device, Error, Memory, Result, replay};
use cudarc::driver::{result, sys};
use std::collections::HashSet;
use std::sync::Arc;
use std::thread::ThreadId;

/// Contents that may be looked at in one step.
const FLAGS: usize = 256;

/// One launch, copy or fill.
struct Launch {
    name: String,
    grid: Grid,
    /// Its arguments, 0 for what may vary.
    words: Vec<u64>,
}

/// Bytes that a step copies from main memory, the same each time.
struct Constant {
    bytes: Vec<u8>,
    memory: Arc<Memory>,
}

/// What is noted of a step.
#[derive(Default)]
struct Notes {
    launches: Vec<Launch>,
    constants: Vec<Constant>,
    /// Refusals that were put off, by number of their flag.
    flags: Vec<&'static str>,
    /// Blocks that a launch got an address of.
    touched: HashSet<u64>,
    /// Blocks handed out during the step.
    born: HashSet<u64>,
    /// The first thing that keeps the step from being replayed. A capture does not run, so that it may go on to its end.
    fault: Option<String>,
}

impl Notes {
    fn refuse(&mut self, fault: impl FnOnce() -> String) {
        self.fault.get_or_insert_with(fault);
    }
}

/// A step that is being rehearsed or captured on a thread.
pub(crate) struct Recording {
    thread: ThreadId,
    pool: PoolId,
    notes: Notes,
    /// The notes of the rehearsal, in a capture.
    expected: Option<Notes>,
    flags: Arc<Memory>,
}

impl Recording {
    pub fn is_here(&self) -> bool {
        self.thread == std::thread::current().id()
    }

    pub fn pool(&self) -> PoolId {
        self.pool
    }

    pub fn is_capture(&self) -> bool {
        self.expected.is_some()
    }

    /// Notes a block that is handed out.
    pub fn born(&mut self, block: u64) {
        self.notes.born.insert(block);
    }

    /// Notes a block that is given back: one that the step reads, but does not make, will not be what it was.
    pub fn given_back(&mut self, block: u64, bytes: usize) {
        if self.notes.touched.contains(&block) && !self.notes.born.contains(&block) {
            self.notes.refuse(|| {
                format!("an array of {bytes} bytes that it read was replaced by another; change it in place")
            });
        }
    }

    /// Notes what a launch gets addresses of.
    pub fn touch(&mut self, device: &Device, arguments: &Arguments) {
        let arena = device.arena();
        self.notes.touched.extend(arguments.words().filter_map(|word| arena.block_of(word)));
    }

    /// Notes a launch, and whether it was another in the rehearsal.
    pub fn note(&mut self, device: &Device, name: &str, grid: Grid, arguments: &Arguments) {
        self.touch(device, arguments);
        let launch = Launch { name: name.into(), grid, words: arguments.lasting_words() };
        if let Some(expected) = &self.expected {
            let number = self.notes.launches.len();
            let fault = match expected.launches.get(number) {
                Some(before) => launch.difference(before, &device.arena()),
                None => Some("was not there".into()),
            };
            if let Some(fault) = fault {
                self.notes.refuse(|| format!("{name}, launch {number}, {fault} the time before"));
            }
        }
        self.notes.launches.push(launch);
    }

    /// Where the device keeps these bytes, which must be those of the rehearsal.
    fn constant(&mut self, bytes: &[u8]) -> Kept {
        let Some(expected) = &self.expected else { return Kept::NotYet };
        let number = self.notes.constants.len();
        match expected.constants.get(number) {
            Some(constant) if constant.bytes == bytes => {
                let memory = constant.memory.clone();
                self.notes.constants.push(Constant { bytes: bytes.to_vec(), memory: memory.clone() });
                Kept::There(memory)
            }
            _ => {
                let length = bytes.len();
                self.notes.refuse(|| {
                    format!("copy {number} to the device, of {length} bytes, has other contents than the time before")
                });
                Kept::Otherwise
            }
        }
    }
}

/// Whether the device has some bytes that a step copies there.
enum Kept {
    NotYet,
    There(Arc<Memory>),
    Otherwise,
}

impl Launch {
    /// How the launch differs from what it was.
    fn difference(&self, before: &Launch, arena: &Arena) -> Option<String> {
        if self.name != before.name {
            return Some(format!("was {}", before.name));
        }
        if self.grid != before.grid {
            return Some(format!("is on {:?} blocks and was on {:?}", self.grid.blocks, before.grid.blocks));
        }
        let is_address = |word: u64| arena.block_of(word).is_some();
        let mut both = before.words.iter().zip(&self.words);
        let (a, b) = both.find(|&(&a, &b)| a != b && !(is_address(a) && is_address(b)))?;
        Some(format!("has an argument {b:#x} that was {a:#x}"))
    }
}

/// A device's steps on their way to a graph: rehearsed, then captured.
pub struct Recorder {
    lasting: Lasting,
    rehearsal: Option<Notes>,
}

/// What a graph needs as long as it lives.
struct Lasting {
    device: Device,
    pool: PoolId,
    flags: Arc<Memory>,
}

impl Drop for Lasting {
    fn drop(&mut self) {
        self.device.arena().dissolve(self.pool);
    }
}

impl Recorder {
    /// A recorder of steps on `device`.
    ///
    /// # Errors
    /// When the device has no memory left.
    pub fn new(device: &Device) -> Result<Recorder> {
        let flags = Arc::new(Memory::unspecified(device, FLAGS * 4)?);
        flags.fill(0)?;
        let pool = device.arena().new_pool();
        Ok(Recorder { lasting: Lasting { device: device.clone(), pool, flags }, rehearsal: None })
    }

    /// Runs a step and notes what it does. It must be run at least twice before a capture where the first run makes what
    /// lasts, such as an optimiser's state.
    ///
    /// # Errors
    /// When another step is recorded on the device, or the contents of an array were refused.
    pub fn rehearse<R>(&mut self, body: impl FnOnce() -> R) -> Result<R> {
        let (result, notes) = self.record(None, body)?;
        self.lasting.check(&notes.flags)?;
        self.rehearsal = Some(notes);
        Ok(result)
    }

    /// The launches of a step as a graph. The step does not run: only launches of the graph do.
    ///
    /// # Errors
    /// When it is not the step that was rehearsed, allocates more, or replaces an array that it reads.
    pub fn capture<R>(mut self, body: impl FnOnce() -> R) -> Result<(R, Graph)> {
        let device = self.lasting.device.clone();
        let expected = self.rehearsal.take().unwrap_or_default();
        let launches = expected.launches.len();
        device.bind()?;
        // SAFETY: the stream is the device's own, which lives as long as the process.
        unsafe {
            let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
            result::stream::begin_capture(device.stream(), mode).during("beginning a capture")?;
        }
        let open = OpenCapture(&device);
        let (result, mut notes) = self.record(Some(expected), body)?;
        let graph = open.end()?;
        if notes.launches.len() != launches {
            let found = notes.launches.len();
            notes.refuse(|| format!("it has {found} launches, and had {launches}"));
        }
        if let Some(fault) = notes.fault {
            return Err(Error::Unrepeatable(fault));
        }
        // SAFETY: the graph comes from the capture that has just ended.
        let executable =
            unsafe { result::graph::instantiate(graph.0, sys::CUgraphInstantiate_flags_enum(0)) };
        let executable = executable.during("making a graph executable")?;
        let mut arena = device.arena();
        let held: Vec<u64> = notes.touched.difference(&notes.born).copied().collect();
        held.iter().for_each(|&block| arena.hold(block));
        drop(arena);
        let Notes { constants, flags, launches, .. } = notes;
        let constants = constants.into_iter().map(|constant| constant.memory).collect();
        let launches = launches.len();
        Ok((result, Graph { executable, lasting: self.lasting, held, flags, launches, _constants: constants }))
    }

    fn record<R>(&self, expected: Option<Notes>, body: impl FnOnce() -> R) -> Result<(R, Notes)> {
        let Lasting { device, pool, flags } = &self.lasting;
        let recording = Recording {
            thread: std::thread::current().id(),
            pool: *pool,
            notes: Notes::default(),
            expected,
            flags: flags.clone(),
        };
        device.start_recording(recording)?;
        let open = OpenRecording(device);
        let result = body();
        let notes = open.end();
        Ok((result, notes))
    }
}

/// Ends the recording even when the step panics.
struct OpenRecording<'a>(&'a Device);

impl OpenRecording<'_> {
    fn end(self) -> Notes {
        let notes = self.0.end_recording().map(|recording| recording.notes);
        std::mem::forget(self);
        notes.expect("a recording is ended once")
    }
}

impl Drop for OpenRecording<'_> {
    fn drop(&mut self) {
        self.0.end_recording();
    }
}

/// Ends the capture even when the step panics.
struct OpenCapture<'a>(&'a Device);

/// A graph of the driver.
struct RawGraph(sys::CUgraph);

impl Drop for RawGraph {
    fn drop(&mut self) {
        // SAFETY: the graph is the driver's and nobody else's; what was instantiated from it does not need it.
        let _ = unsafe { result::graph::destroy(self.0) };
    }
}

impl OpenCapture<'_> {
    fn end(self) -> Result<RawGraph> {
        let stream = self.0.stream();
        std::mem::forget(self);
        // SAFETY: a capture of this stream was begun by this thread.
        unsafe { result::stream::end_capture(stream) }.map(RawGraph).during("ending a capture")
    }
}

impl Drop for OpenCapture<'_> {
    fn drop(&mut self) {
        // SAFETY: as above; a graph that comes of it is not used.
        if let Ok(graph) = unsafe { result::stream::end_capture(self.0.stream()) } {
            drop(RawGraph(graph));
        }
    }
}

/// A step as one graph: all its launches, with their arguments.
pub struct Graph {
    executable: sys::CUgraphExec,
    lasting: Lasting,
    /// Blocks of others that it uses.
    held: Vec<u64>,
    flags: Vec<&'static str>,
    launches: usize,
    _constants: Vec<Arc<Memory>>,
}

// SAFETY: the driver's functions may be called from any thread, and a graph is launched through `&self` into the one
// stream of its device, where launches wait for each other.
unsafe impl Send for Graph {}

impl Graph {
    /// Starts all launches of the step.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn launch(&self) -> Result<()> {
        let device = &self.lasting.device;
        device.bind()?;
        // SAFETY: the graph was instantiated by this driver and is destroyed only when it is dropped; what it reads and
        // writes is held.
        unsafe { result::graph::launch(self.executable, device.stream()) }.during("launching a graph")
    }

    /// Waits for the device, and says whether a replay has met contents that an op refuses.
    ///
    /// # Errors
    /// Names the op, or the launch that failed.
    pub fn check(&self) -> Result<()> {
        self.lasting.check(&self.flags)
    }

    /// Number of launches, copies and fills.
    pub fn len(&self) -> usize {
        self.launches
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.launches == 0
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Graph({} launches on {})", self.launches, self.lasting.device)
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: nobody else has the graph; the driver waits for launches that still run.
        let _ = unsafe { result::graph::exec_destroy(self.executable) };
        let mut arena = self.lasting.device.arena();
        self.held.iter().for_each(|&block| arena.release(block));
    }
}

impl Lasting {
    fn check(&self, names: &[&'static str]) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let mut flags = vec![0u8; names.len() * 4];
        self.flags.read(0, &mut flags)?;
        let raised = flags.chunks_exact(4).zip(names).find(|(flag, _)| flag.iter().any(|&byte| byte != 0));
        let Some((_, name)) = raised else { return Ok(()) };
        self.flags.fill(0)?;
        Err(Error::Argument(format!("{name}, in a recorded step")))
    }
}

/// Whether a step is recorded on this thread, so that what `found` says has to be looked at later: a refusal with these
/// words, where one of its first `count` numbers of `bytes` bytes, without a sign, lies below `limit`.
pub(crate) fn puts_off(
    refusal: &'static str,
    found: &Memory,
    offset: usize,
    (count, bytes): (usize, usize),
    limit: u64,
) -> Result<bool> {
    let device = found.device();
    let slot = device.recording(|recording| {
        recording.notes.flags.push(refusal);
        (recording.flags.clone(), recording.notes.flags.len() - 1)
    })?;
    let Some((flags, number)) = slot else { return Ok(false) };
    if number >= FLAGS {
        return Err(Error::Argument(format!("a recorded step may look at {FLAGS} arrays' contents, no more")));
    }
    replay::raise_flag(found, offset, (count, bytes), limit, &flags, number)?;
    Ok(true)
}

/// Copies bytes to the device during a recording; false where there is none.
pub(crate) fn writes_constant(memory: &Memory, offset: usize, bytes: &[u8]) -> Result<bool> {
    let device = memory.device();
    let Some(kept) = device.recording(|recording| recording.constant(bytes))? else { return Ok(false) };
    let source = match kept {
        Kept::There(source) => source,
        Kept::Otherwise => return Ok(true),
        Kept::NotYet => {
            let source = Arc::new(Memory::unrecorded(device, bytes)?);
            device.recording(|recording| {
                let constant = Constant { bytes: bytes.to_vec(), memory: source.clone() };
                recording.notes.constants.push(constant);
            })?;
            source
        }
    };
    memory.copy(offset, &source, 0, bytes.len())?;
    Ok(true)
}
