#!/usr/bin/env python3
"""The solver that halmos calls: `integers.py QUERY.smt2`, answering as an SMT solver does.

Money's arithmetic multiplies and divides 128-bit values in 256-bit words. Bit-blasted, that is out of every solver's
reach; over the integers it is easy, once it is known that nothing wraps around. So:

1. yices gets the query as it is, for a short time.
2. The query is rewritten over the integers. Every term carries the interval of its values: where a sum, difference or
   product can't leave its word, it is that sum, difference or product; where it can, the wrap-around is written out. A
   division is a quotient and a remainder. What isn't understood becomes an unknown within its width.
3. z3 and cvc5 work on that side by side. Their `unsat` is the answer: an unknown, or a constraint left out, only adds
   models. Their `sat` is a guess: the inputs it names go back into the query as it came, and yices decides.

Times are in seconds; halmos kills what takes longer than its own limit.

`integers.py --self-test N` compares the rewriting with z3's own bit vectors on N random queries in words so small that
everything wraps around: what has a model must keep one.
"""

import random
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from queue import Empty, Queue

import z3

FIRST_TRY = 2
INTEGERS = 60
CHECK = 10
BIN = Path(sys.executable).parent


def run(command, seconds):
    """What a solver printed, or nothing when it took too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def verdict(text):
    first = text.split("\n", 1)[0].strip()
    return first if first in ("sat", "unsat") else None


class Rewriter:
    """A query over bit vectors, as one over the integers."""

    def __init__(self, assertions):
        self.assertions = assertions
        self.terms = {}  # by AST id: (integer term, least, greatest)
        self.keep = []  # keeps the ASTs alive, and so their ids unique
        self.divisions = {}
        self.facts = []
        self.inputs = {}
        self.bounds = {}
        self.fresh = 0
        self.collect_bounds()

    # -- intervals of the inputs, from assertions that say nothing else

    def collect_bounds(self):
        for a in self.assertions:
            positive, atom = True, a
            if z3.is_not(a):
                positive, atom = False, a.arg(0)
            if z3.is_and(atom) and positive:
                for part in atom.children():
                    self.bound(part, True)
            self.bound(atom, positive)

    def bound(self, atom, positive):
        if atom.num_args() != 2 or not z3.is_bv(atom.arg(0)):
            return
        x, y = atom.arg(0), atom.arg(1)
        kind = atom.decl().kind()
        if kind == z3.Z3_OP_EQ and positive:
            for v, w in ((x, y), (y, x)):
                # An argument's type: v = 0...0 ++ v[k:0]
                if self.is_input(v) and w.decl().kind() == z3.Z3_OP_CONCAT and w.num_args() == 2:
                    zeros, low = w.arg(0), w.arg(1)
                    if self.value(zeros) == 0 and low.decl().kind() == z3.Z3_OP_EXTRACT and low.arg(0).eq(v):
                        self.narrow(v, 0, (1 << low.size()) - 1)
        elif kind == z3.Z3_OP_EQ:
            for v, w in ((x, y), (y, x)):
                whole = self.whole(v)
                if whole is not None and self.value(w) == 0:
                    self.narrow(whole, 1, None)
        elif kind == z3.Z3_OP_ULEQ:
            above, below = (x, y) if positive else (y, x)  # above <= below, or above < below when negated
            strict = 0 if positive else 1
            if self.whole(above) is not None and self.value(below) is not None and self.value(below) >= strict:
                self.narrow(self.whole(above), 0, self.value(below) - strict)
            if self.whole(below) is not None and self.value(above) is not None:
                self.narrow(self.whole(below), self.value(above) + strict, None)

    def whole(self, v):
        """The input whose value `v` is: itself, or its lower bits when the others are known to be zero."""
        if self.is_input(v):
            return v
        if z3.is_bv(v) and v.decl().kind() == z3.Z3_OP_EXTRACT and self.is_input(v.arg(0)):
            low, known = v.params()[1], self.bounds.get(v.arg(0).get_id())
            if low == 0 and known and known[1] < (1 << v.size()):
                return v.arg(0)
        return None

    def narrow(self, v, least, greatest):
        old = self.bounds.get(v.get_id(), (0, (1 << v.size()) - 1))
        self.bounds[v.get_id()] = (max(old[0], least), old[1] if greatest is None else min(old[1], greatest))

    @staticmethod
    def is_input(v):
        return z3.is_bv(v) and z3.is_const(v) and v.decl().kind() == z3.Z3_OP_UNINTERPRETED

    @staticmethod
    def value(v):
        return v.as_long() if z3.is_bv_value(v) else None

    # -- terms

    def unknown(self, least, greatest, name="unknown"):
        self.fresh += 1
        v = z3.Int(f"{name}!{self.fresh}")
        self.facts += [v >= least, v <= greatest]
        return v, least, greatest

    def term(self, e):
        known = self.terms.get(e.get_id())
        if known is None:
            self.keep.append(e)
            known = self.terms[e.get_id()] = self.make(e)
        return known

    def make(self, e):
        size = e.size()
        top = (1 << size) - 1
        if z3.is_bv_value(e):
            return z3.IntVal(e.as_long()), e.as_long(), e.as_long()
        kind = e.decl().kind()
        if self.is_input(e):
            least, greatest = self.bounds.get(e.get_id(), (0, top))
            v = z3.Int(e.decl().name())
            self.inputs[e.decl().name()] = (e, v)
            self.facts += [v >= least, v <= greatest]
            return v, least, greatest
        if kind == z3.Z3_OP_CONCAT:
            total, least, greatest = z3.IntVal(0), 0, 0
            for part in e.children():
                t, lo, hi = self.term(part)
                shift = 1 << part.size()
                total = t if greatest == 0 else (total * shift + t if hi else total * shift)
                least, greatest = least * shift + lo, greatest * shift + hi
            return total, least, greatest
        if kind == z3.Z3_OP_EXTRACT:
            high, low = e.params()
            t, lo, hi = self.term(e.arg(0))
            if low:
                t, lo, hi = self.quotient((t, lo, hi), (z3.IntVal(1 << low), 1 << low, 1 << low))
            return (t, lo, hi) if hi <= top else self.rest((t, lo, hi), top + 1)
        if kind == z3.Z3_OP_ZERO_EXT:
            return self.term(e.arg(0))
        if kind == z3.Z3_OP_BADD:
            return self.wrap(self.total([self.signed_summand(part) for part in e.children()]), size)
        if kind == z3.Z3_OP_BSUB:
            t, lo, hi = self.term(e.arg(1))
            return self.wrap(self.total([self.term(e.arg(0)), (-t, -hi, -lo)]), size)
        if kind == z3.Z3_OP_BNEG:
            t, lo, hi = self.term(e.arg(0))
            return self.wrap((-t, -hi, -lo), size)
        if kind == z3.Z3_OP_BMUL:
            return self.wrap(self.signed_summand(e), size)
        if kind in (z3.Z3_OP_BUDIV, z3.Z3_OP_BUDIV_I):
            return self.by(e, size, True)
        if kind in (z3.Z3_OP_BUREM, z3.Z3_OP_BUREM_I):
            return self.by(e, size, False)
        if kind == z3.Z3_OP_ITE:
            condition = self.formula(e.arg(0))
            a, b = self.term(e.arg(1)), self.term(e.arg(2))
            return z3.If(condition, a[0], b[0]), min(a[1], b[1]), max(a[2], b[2])
        if kind == z3.Z3_OP_BNOT:
            t, lo, hi = self.term(e.arg(0))
            return top - t, top - hi, top - lo
        if kind == z3.Z3_OP_BAND and e.num_args() == 2:
            for mask, x in ((e.arg(0), e.arg(1)), (e.arg(1), e.arg(0))):
                m = self.value(mask)
                if m is not None and m & (m + 1) == 0:
                    t = self.term(x)
                    return t if t[2] <= m else self.rest(t, m + 1)
        if kind == z3.Z3_OP_BSHL and self.value(e.arg(1)) is not None:
            t, lo, hi = self.term(e.arg(0))
            factor = 1 << self.value(e.arg(1))
            return self.wrap((t * factor, lo * factor, hi * factor), size)
        if kind == z3.Z3_OP_BLSHR and self.value(e.arg(1)) is not None:
            factor = 1 << self.value(e.arg(1))
            return self.quotient(self.term(e.arg(0)), (z3.IntVal(factor), factor, factor))
        return self.unknown(0, top)

    def signed_summand(self, e):
        """A product whose factors close to 2^n are negative: solvers write x - y as x + (2^n - 1) * y."""
        if e.decl().kind() != z3.Z3_OP_BMUL:
            value = self.value(e)
            if value is not None and value >> (e.size() - 1):
                value -= 1 << e.size()
                return z3.IntVal(value), value, value
            return self.term(e)
        t, lo, hi = z3.IntVal(1), 1, 1
        for part in e.children():
            value = self.value(part)
            if value is not None and value >> (part.size() - 1):
                value -= 1 << part.size()
            p, plo, phi = (z3.IntVal(value), value, value) if value is not None else self.term(part)
            t = p if (lo, hi) == (1, 1) else t * p
            corners = [lo * plo, lo * phi, hi * plo, hi * phi]
            lo, hi = min(corners), max(corners)
        return t, lo, hi

    @staticmethod
    def total(parts):
        return z3.Sum([p[0] for p in parts]), sum(p[1] for p in parts), sum(p[2] for p in parts)

    def wrap(self, t, size):
        """The value in a word of `size` bits."""
        whole = 1 << size
        term, lo, hi = t
        if lo >= 0 and hi < whole:
            return t
        if lo >= -whole and hi < whole:
            return z3.If(term < 0, term + whole, term), 0, whole - 1
        if lo >= 0 and hi < 2 * whole:
            return z3.If(term >= whole, term - whole, term), 0, whole - 1
        times, _, _ = self.unknown(lo // whole, hi // whole, "wraps")
        rest, _, _ = self.unknown(0, whole - 1, "word")
        self.facts.append(term == whole * times + rest)
        return rest, 0, whole - 1

    def divided(self, x, y):
        """Quotient and remainder by a divisor that isn't zero."""
        key = (x[0].get_id(), y[0].get_id())
        if key not in self.divisions:
            self.keep += [x[0], y[0]]
            least = max(y[1], 1)
            q = self.unknown(x[1] // y[2] if y[2] else 0, x[2] // least, "quotient")
            r = self.unknown(0, max(min(x[2], y[2] - 1), 0), "remainder")
            holds = z3.And(x[0] == y[0] * q[0] + r[0], r[0] < y[0])
            self.facts.append(holds if y[1] > 0 else z3.Implies(y[0] > 0, holds))
            self.divisions[key] = (q, r)
        return self.divisions[key]

    def quotient(self, x, y):
        if x[2] < y[1]:
            return z3.IntVal(0), 0, 0
        return self.divided(x, y)[0]

    def rest(self, x, modulus):
        return self.divided(x, (z3.IntVal(modulus), modulus, modulus))[1]

    def by(self, e, size, quotient):
        x, y = self.term(e.arg(0)), self.term(e.arg(1))
        result = self.divided(x, y)[0 if quotient else 1]
        if quotient and z3.is_mul(x[0]) and x[0].num_args() == 2:
            # A product by one of its factors, as in Solidity's own check for overflow.
            for factor, other in ((0, 1), (1, 0)):
                if x[0].arg(factor).eq(y[0]):
                    result = (x[0].arg(other), 0, x[2])
        if y[1] > 0:
            return result
        at_zero = z3.IntVal((1 << size) - 1) if quotient else x[0]
        return z3.If(y[0] == 0, at_zero, result[0]), 0, (1 << size) - 1 if quotient else x[2]

    # -- formulas

    def signed(self, e):
        t, lo, hi = self.term(e)
        half = 1 << (e.size() - 1)
        return t if hi < half else z3.If(t >= half, t - 2 * half, t)

    def formula(self, e):
        kind = e.decl().kind()
        if kind in (z3.Z3_OP_AND, z3.Z3_OP_OR, z3.Z3_OP_NOT, z3.Z3_OP_IMPLIES, z3.Z3_OP_XOR):
            parts = [self.formula(part) for part in e.children()]
            make = {
                z3.Z3_OP_AND: z3.And,
                z3.Z3_OP_OR: z3.Or,
                z3.Z3_OP_NOT: z3.Not,
                z3.Z3_OP_IMPLIES: z3.Implies,
                z3.Z3_OP_XOR: z3.Xor,
            }[kind]
            return make(*parts)
        if kind in (z3.Z3_OP_TRUE, z3.Z3_OP_FALSE):
            return e
        if kind == z3.Z3_OP_ITE:
            return z3.If(*[self.formula(part) for part in e.children()])
        if e.num_args() == 2 and z3.is_bv(e.arg(0)):
            unsigned = {
                z3.Z3_OP_EQ: lambda a, b: a == b,
                z3.Z3_OP_DISTINCT: lambda a, b: a != b,
                z3.Z3_OP_ULEQ: lambda a, b: a <= b,
                z3.Z3_OP_ULT: lambda a, b: a < b,
                z3.Z3_OP_UGEQ: lambda a, b: a >= b,
                z3.Z3_OP_UGT: lambda a, b: a > b,
            }
            if kind in unsigned:
                return unsigned[kind](self.term(e.arg(0))[0], self.term(e.arg(1))[0])
            signed = {
                z3.Z3_OP_SLEQ: lambda a, b: a <= b,
                z3.Z3_OP_SLT: lambda a, b: a < b,
                z3.Z3_OP_SGEQ: lambda a, b: a >= b,
                z3.Z3_OP_SGT: lambda a, b: a > b,
            }
            if kind in signed:
                return signed[kind](self.signed(e.arg(0)), self.signed(e.arg(1)))
        if kind == z3.Z3_OP_EQ and z3.is_bool(e.arg(0)):
            return self.formula(e.arg(0)) == self.formula(e.arg(1))
        # Not understood: an unknown truth. The same formula is the same unknown.
        self.keep.append(e)
        return z3.Bool(f"truth!{e.get_id()}")

    def query(self):
        formulas = [self.formula(a) for a in self.assertions]
        return self.facts + formulas


CVC5 = """
import sys, cvc5
solver = cvc5.Solver(cvc5.TermManager())
for option in ("produce-models", "nl-ext-tplanes", "nl-ext-tplanes-interleave"):
    solver.setOption(option, "true")
parser = cvc5.InputParser(solver)
parser.setFileInput(cvc5.InputLanguage.SMT_LIB_2_6, sys.argv[1])
symbols = parser.getSymbolManager()
while not (command := parser.nextCommand()).isNull():
    print(command.invoke(solver, symbols), end="", flush=True)
"""


def solve_integers(query, names):
    """`unsat`, values of the inputs that may be a model, or nothing."""
    solver = z3.Solver()
    solver.add(query)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "query.smt2"
        text = "(set-logic ALL)\n" + solver.to_smt2()
        if names:
            text += "(get-value (" + " ".join(f"|{name}|" for name in names) + "))\n"
        file.write_text(text)
        commands = [[str(BIN / "z3"), str(file)], [sys.executable, "-c", CVC5, str(file)]]
        running = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for c in commands]
        try:
            return first_answer(running)
        finally:
            for process in running:
                process.kill()


def first_answer(running):
    answers = Queue()
    for process in running:
        threading.Thread(target=lambda p=process: answers.put(p.communicate()[0]), daemon=True).start()
    try:
        for _ in running:
            text = answers.get(timeout=INTEGERS)
            if verdict(text):
                return text
    except Empty:
        pass
    return ""


def with_inputs(file, values):
    """The query as it came, its inputs fixed."""
    text = Path(file).read_text()
    fixed = "".join(f"(assert (= |{name}| (_ bv{value} {size})))\n" for name, (value, size) in values.items())
    return text.replace("(check-sat)", fixed + "(check-sat)", 1)


def yices(file, seconds):
    return run([str(BIN / "yices-smt2"), "--smt2-model-format", "--bvconst-in-decimal", file], seconds)


def random_term(choose, inputs, depth):
    """A term in words of the inputs' size."""
    size = inputs[0].size()
    if depth == 0 or choose.random() < 0.15:
        return choose.choice(inputs) if choose.random() < 0.7 else z3.BitVecVal(choose.randrange(1 << size), size)
    x, y = (random_term(choose, inputs, depth - 1) for _ in range(2))
    half = z3.Extract(size // 2 - 1, 0, x)
    shift = choose.randrange(size)
    return choose.choice(
        [
            lambda: x + y,
            lambda: x - y,
            lambda: -x,
            lambda: ~x,
            lambda: x * y,
            lambda: z3.UDiv(x, y),
            lambda: z3.URem(x, y),
            lambda: z3.If(y == 0, z3.BitVecVal(0, size), z3.UDiv(x, y)),
            lambda: z3.UDiv(x * y, y),
            lambda: z3.ZeroExt(size - size // 2, half),
            lambda: z3.Concat(half, z3.Extract(size - size // 2 - 1, 0, y)),
            lambda: z3.Concat(z3.BitVecVal(0, shift), z3.Extract(size - 1, shift, x)) if shift else x,
            lambda: z3.If(random_formula(choose, inputs, 0), x, y),
            lambda: x & ((1 << shift) - 1),
            lambda: x | y,
            lambda: x << shift,
            lambda: z3.LShR(x, shift),
        ]
    )()


def random_formula(choose, inputs, depth):
    if depth and choose.random() < 0.5:
        a, b = (random_formula(choose, inputs, depth - 1) for _ in range(2))
        return choose.choice([z3.And(a, b), z3.Or(a, b), z3.Not(a), z3.Implies(a, b)])
    x, y = (random_term(choose, inputs, 2) for _ in range(2))
    return choose.choice([x == y, x != y, z3.ULE(x, y), z3.ULT(x, y), x <= y, x < y, z3.Not(z3.ULE(x, y))])


def self_test(count):
    choose = random.Random(1)
    agreed = {"sat": 0, "unsat": 0}
    for number in range(count):
        size = choose.choice([3, 4, 5])
        inputs = [z3.BitVec(name, size) for name in "abc"]
        assertions = [random_formula(choose, inputs, 1) for _ in range(choose.randrange(1, 6))]
        # What halmos says of an argument's type and of its range.
        narrow = z3.Concat(z3.BitVecVal(0, size // 2), z3.Extract(size - size // 2 - 1, 0, inputs[0]))
        assertions.append(choose.choice([inputs[0] == narrow, inputs[1] != 0, z3.ULE(inputs[2], 5), inputs[0] == inputs[0]]))
        bits, integers = z3.Solver(), z3.Solver()
        bits.add(assertions)
        truth = str(bits.check())
        # As a query comes: parsed, its sugar gone.
        rewriter = Rewriter(list(z3.parse_smt2_string(bits.to_smt2())))
        integers.set("timeout", 300)
        integers.add(rewriter.query())
        answer = str(integers.check())
        if truth == "sat" and answer == "unsat":
            sys.exit(f"query {number}: the rewriting loses a model of {bits}")
        if truth == answer:
            agreed[truth] += 1
    if min(agreed.values()) < count // 20:
        sys.exit(f"too few queries were decided to say anything: {agreed}")
    print(f"{count} queries: no model lost, {agreed['sat']} sat and {agreed['unsat']} unsat as they should be")


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test":
        self_test(int(sys.argv[2]))
        return
    file = sys.argv[-1]
    answer = yices(file, FIRST_TRY)
    if verdict(answer):
        print(answer, end="")
        return
    assertions = z3.parse_smt2_file(file)
    rewriter = Rewriter(list(assertions))
    query = rewriter.query()
    names = list(rewriter.inputs)
    text = solve_integers(query, names)
    if verdict(text) == "unsat":
        print("unsat")
        return
    if verdict(text) == "sat":
        values = {}
        for entry in text.split("\n", 1)[1].replace("(", " ").replace(")", "\n").split("\n"):
            words = entry.replace("|", "").split()
            if len(words) == 2 and words[0] in rewriter.inputs:
                values[words[0]] = (int(words[1]), rewriter.inputs[words[0]][0].size())
        with tempfile.NamedTemporaryFile("w", suffix=".smt2") as fixed:
            fixed.write(with_inputs(file, values))
            fixed.flush()
            answer = yices(fixed.name, CHECK)
        if verdict(answer) == "sat":
            print(answer, end="")
            return
    print("unknown")


if __name__ == "__main__":
    main()
