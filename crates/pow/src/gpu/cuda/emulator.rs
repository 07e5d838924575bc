//! Runs PTX on the processor: as much of it as the kernels use, one thread after the other.
//!
//! Semantics are those of NVIDIA's "PTX ISA". An instruction that is not known ends the test.

use std::collections::HashMap;

/// Where a kernel's memory begins; nothing lies at 0.
const BASE: u64 = 0x1000;

/// A module with its entry points.
pub(super) struct Module {
    entries: HashMap<String, Entry>,
    constants: Vec<(String, Vec<u8>)>,
}

struct Entry {
    /// Names and sizes in bytes.
    parameters: Vec<(String, usize)>,
    code: Vec<Instruction>,
    labels: HashMap<String, usize>,
}

struct Instruction {
    /// A predicate, and the value for which it runs.
    guard: Option<(usize, bool)>,
    name: String,
    operation: Operation,
    operands: Vec<Operand>,
}

/// Those that keccak consists of are told apart once; the others by name as they come.
#[derive(Clone, Copy)]
enum Operation {
    Lop3,
    Shift,
    Xor,
    Other,
}

#[derive(Clone, Debug)]
enum Operand {
    Register(usize),
    Immediate(u64),
    /// A special register, a label, or a symbol.
    Name(String),
    /// What stands at an address.
    At(Box<Operand>, u64),
    /// A vector.
    Several(Vec<usize>),
}

/// How a kernel is started.
pub(super) struct Launch<'a> {
    pub(super) blocks: u32,
    pub(super) threads: u32,
    /// Bytes of each parameter; `None`: the address of the output.
    pub(super) parameters: &'a [Option<&'a [u8]>],
    /// Bytes of output, in and out.
    pub(super) output: &'a mut Vec<u8>,
}

impl Module {
    pub(super) fn parse(text: &str) -> Self {
        let lines: Vec<&str> =
            text.lines().map(|line| line.split("//").next().unwrap().trim()).filter(|line| !line.is_empty()).collect();
        let mut module = Self { entries: HashMap::new(), constants: Vec::new() };
        let mut rest = lines.iter();
        while let Some(line) = rest.next() {
            if let Some(name) = line.strip_prefix(".visible .entry ") {
                let name = name.trim_end_matches('(').to_owned();
                let heading = rest.by_ref().take_while(|line| **line != "{");
                let parameters =
                    heading.filter(|line| line.starts_with(".param")).map(|line| parameter(line)).collect();
                let body: Vec<&str> = rest.by_ref().take_while(|line| **line != "}").copied().collect();
                module.entries.insert(name, Entry::parse(parameters, &body));
            } else if line.contains(" .b8 ") && line.contains('=') {
                module.constants.push(constant(line));
            }
        }
        module
    }

    /// Runs every thread of a launch.
    pub(super) fn run(&self, entry: &str, launch: Launch<'_>) {
        let entry = &self.entries[entry];
        let mut memory = Memory { bytes: Vec::new(), symbols: HashMap::new() };
        for (name, bytes) in &self.constants {
            memory.place(name, bytes);
        }
        let output = memory.place("output", launch.output);
        for ((name, size), bytes) in entry.parameters.iter().zip(launch.parameters) {
            let address = output.to_le_bytes();
            let bytes = bytes.unwrap_or(&address);
            assert_eq!(bytes.len(), *size, "the size of {name}");
            memory.place(name, bytes);
        }
        for block in 0..launch.blocks {
            for thread in 0..launch.threads {
                let special = HashMap::from([
                    ("%tid.x", thread),
                    ("%ntid.x", launch.threads),
                    ("%ctaid.x", block),
                    ("%nctaid.x", launch.blocks),
                ]);
                Thread { entry, special, registers: vec![0; 1 << 16], memory: &mut memory }.run();
            }
        }
        let output = (output - BASE) as usize;
        let size = launch.output.len();
        launch.output.copy_from_slice(&memory.bytes[output..output + size]);
    }
}

/// `.param .align 8 .b8 name[352],` or `.param .u64 name`
fn parameter(line: &str) -> (String, usize) {
    let name = line.trim_end_matches(',').rsplit(' ').next().unwrap();
    match name.split_once('[') {
        Some((name, size)) => (name.to_owned(), size.trim_end_matches(']').parse().unwrap()),
        None => (name.to_owned(), 8),
    }
}

/// `.const .align 8 .b8 name[192] = {1, 0, …};`
fn constant(line: &str) -> (String, Vec<u8>) {
    let (declared, values) = line.split_once('=').unwrap();
    let name = declared.split('[').next().unwrap().rsplit(' ').next().unwrap();
    let values = values.trim().trim_start_matches('{').trim_end_matches("};");
    (name.to_owned(), values.split(',').map(|value| value.trim().parse().unwrap()).collect())
}

impl Entry {
    fn parse(parameters: Vec<(String, usize)>, body: &[&str]) -> Self {
        let mut entry = Self { parameters, code: Vec::new(), labels: HashMap::new() };
        let mut registers = HashMap::new();
        for line in body {
            if let Some(label) = line.strip_suffix(':') {
                entry.labels.insert(label.to_owned(), entry.code.len());
            } else if !line.starts_with('.') {
                entry.code.push(Instruction::parse(line, &mut registers));
            }
        }
        entry
    }
}

impl Instruction {
    fn parse(line: &str, registers: &mut HashMap<String, usize>) -> Self {
        let line = line.strip_suffix(';').unwrap_or_else(|| panic!("no end: {line}"));
        let (guard, line) = match line.strip_prefix('@') {
            Some(guarded) => {
                let (guard, line) = guarded.split_once(char::is_whitespace).unwrap();
                let (name, value) = guard.strip_prefix('!').map_or((guard, true), |name| (name, false));
                (Some((register(name, registers), value)), line.trim())
            }
            None => (None, line),
        };
        let (name, operands) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let operation = match name {
            "lop3.b32" => Operation::Lop3,
            "shf.l.wrap.b32" => Operation::Shift,
            "xor.b32" => Operation::Xor,
            _ => Operation::Other,
        };
        let operands = split(operands).into_iter().map(|text| Operand::parse(text, registers)).collect();
        Self { guard, name: name.to_owned(), operation, operands }
    }
}

/// At commas outside braces.
fn split(operands: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = operands.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn register(name: &str, registers: &mut HashMap<String, usize>) -> usize {
    let next = registers.len();
    *registers.entry(name.to_owned()).or_insert(next)
}

impl Operand {
    fn parse(text: &str, registers: &mut HashMap<String, usize>) -> Self {
        if let Some(address) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            let (base, offset) = address.split_once('+').unwrap_or((address, "0"));
            let offset: i64 = offset.parse().unwrap();
            return Self::At(Box::new(Self::parse(base, registers)), offset as u64);
        }
        if let Some(names) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            return Self::Several(names.split(',').map(|name| register(name.trim(), registers)).collect());
        }
        if let Some(hex) = text.strip_prefix("0x") {
            return Self::Immediate(u64::from_str_radix(hex, 16).unwrap());
        }
        if let Ok(number) = text.parse::<i128>() {
            return Self::Immediate(number as u64);
        }
        match text.starts_with('%') && !text.contains('.') {
            true => Self::Register(register(text, registers)),
            false => Self::Name(text.to_owned()),
        }
    }
}

/// All state spaces in one.
struct Memory {
    bytes: Vec<u8>,
    symbols: HashMap<String, u64>,
}

impl Memory {
    fn place(&mut self, name: &str, bytes: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let address = BASE + self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        self.symbols.insert(name.to_owned(), address);
        address
    }

    fn word(&mut self, address: u64) -> &mut [u8; 4] {
        let at = usize::try_from(address - BASE).unwrap();
        assert_eq!(at % 4, 0, "{address:#x} is not aligned");
        (&mut self.bytes[at..at + 4]).try_into().unwrap()
    }

    fn read(&mut self, address: u64) -> u32 {
        u32::from_le_bytes(*self.word(address))
    }
}

struct Thread<'a> {
    entry: &'a Entry,
    special: HashMap<&'static str, u32>,
    registers: Vec<u64>,
    memory: &'a mut Memory,
}

impl Thread<'_> {
    fn run(&mut self) {
        let mut next = 0;
        loop {
            let instruction = &self.entry.code[next];
            next += 1;
            if instruction.guard.is_some_and(|(predicate, value)| (self.registers[predicate] != 0) != value) {
                continue;
            }
            match (instruction.name.as_str(), &instruction.operands[..]) {
                ("ret", _) => return,
                ("bra" | "bra.uni", [Operand::Name(label)]) => next = self.entry.labels[label],
                _ => self.execute(instruction),
            }
        }
    }

    fn value(&self, operand: &Operand) -> u64 {
        match operand {
            Operand::Register(index) => self.registers[*index],
            Operand::Immediate(value) => *value,
            Operand::Name(name) => match self.special.get(name.as_str()) {
                Some(value) => (*value).into(),
                None => self.memory.symbols[name],
            },
            Operand::At(base, offset) => self.value(base).wrapping_add(*offset),
            Operand::Several(_) => panic!("a vector is no value"),
        }
    }

    fn execute(&mut self, Instruction { name, operation, operands, .. }: &Instruction) {
        let value = |n: usize| self.value(&operands[n]);
        let word = |n: usize| value(n) as u32;
        let result = match operation {
            Operation::Lop3 => lop3(word(1), word(2), word(3), word(4)).into(),
            Operation::Shift => funnel_left(word(1), word(2), word(3)).into(),
            Operation::Xor => (word(1) ^ word(2)).into(),
            Operation::Other => match name.as_str() {
                "mov.u32" => word(1).into(),
                "mov.u64" | "mov.b64" | "cvta.to.global.u64" => value(1),
                "cvt.u32.u64" | "cvt.u64.u32" => word(1).into(),
                "shr.u64" => value(1).checked_shr(word(2)).unwrap_or(0),
                "add.s32" => word(1).wrapping_add(word(2)).into(),
                "add.s64" => value(1).wrapping_add(value(2)),
                "mul.lo.u32" | "mul.lo.s32" => word(1).wrapping_mul(word(2)).into(),
                "mad.lo.s32" => word(1).wrapping_mul(word(2)).wrapping_add(word(3)).into(),
                "mad.hi.u32" => ((wide(word(1), word(2)) >> 32) as u32).wrapping_add(word(3)).into(),
                "mul.wide.u32" => wide(word(1), word(2)),
                "mul.wide.s32" => (i64::from(word(1) as i32) * i64::from(word(2) as i32)) as u64,
                "prmt.b32" => permute(word(1), word(2), word(3)).into(),
                "bfi.b64" => insert_bits(value(1), value(2), word(3), word(4)),
                "setp.lt.u32" => (word(1) < word(2)).into(),
                "setp.ge.u32" => (word(1) >= word(2)).into(),
                "setp.gt.u32" => (word(1) > word(2)).into(),
                "setp.gt.u64" => (value(1) > value(2)).into(),
                _ => return self.access(name, operands),
            },
        };
        let Operand::Register(to) = operands[0] else { panic!("{name} has no register to write to") };
        self.registers[to] = result;
    }

    /// Instructions that read or write memory.
    fn access(&mut self, name: &str, operands: &[Operand]) {
        match (name, operands) {
            ("ld.param.u32", [Operand::Register(to), from]) => {
                self.registers[*to] = self.memory.read(self.value(from)).into();
            }
            ("ld.param.u64" | "ld.const.u64", [Operand::Register(to), from]) => {
                let from = self.value(from);
                let (low, high) = (self.memory.read(from), self.memory.read(from + 4));
                self.registers[*to] = u64::from(high) << 32 | u64::from(low);
            }
            ("ld.param.v2.u32", [Operand::Several(to), from]) => {
                for (to, offset) in to.iter().zip([0, 4]) {
                    self.registers[*to] = self.memory.read(self.value(from) + offset).into();
                }
            }
            ("st.global.u32", [to, from]) => {
                let value = self.value(from) as u32;
                *self.memory.word(self.value(to)) = value.to_le_bytes();
            }
            ("atom.global.add.u32", [Operand::Register(old), at, add]) => {
                let (at, add) = (self.value(at), self.value(add) as u32);
                let before = self.memory.read(at);
                *self.memory.word(at) = before.wrapping_add(add).to_le_bytes();
                self.registers[*old] = before.into();
            }
            _ => panic!("{name} {operands:?} is not known here"),
        }
    }
}

/// Any function of three bits: bit 4a + 2b + c of the table.
fn lop3(a: u32, b: u32, c: u32, table: u32) -> u32 {
    (0..8).filter(|row| table >> row & 1 == 1).fold(0, |sum, row| {
        let (a, b, c) =
            (if row & 4 == 0 { !a } else { a }, if row & 2 == 0 { !b } else { b }, if row & 1 == 0 { !c } else { c });
        sum | (a & b & c)
    })
}

/// The upper half of `high:low` shifted left by `n` modulo 32.
fn funnel_left(low: u32, high: u32, n: u32) -> u32 {
    ((u64::from(high) << 32 | u64::from(low)) << (n % 32) >> 32) as u32
}

fn wide(a: u32, b: u32) -> u64 {
    u64::from(a) * u64::from(b)
}

/// Each nibble of the selector picks one of the eight bytes of `b:a`.
fn permute(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = (u64::from(b) << 32 | u64::from(a)).to_le_bytes();
    u32::from_le_bytes(std::array::from_fn(|n| bytes[(selector >> (4 * n) & 7) as usize]))
}

/// `length` low bits of `a` in the place of those from `position` on of `b`.
fn insert_bits(a: u64, b: u64, position: u32, length: u32) -> u64 {
    let mask = (1_u64.checked_shl(length).unwrap_or(0)).wrapping_sub(1) << position;
    b & !mask | a << position & mask
}
