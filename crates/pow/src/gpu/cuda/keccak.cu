// The search on NVIDIA's GPUs: one nonce a thread at a time, its state of 25 lanes in registers.
//
// The state is that of ../../keccak: the host has done theta, rho and pi of the first round for a nonce of zero, and the last
// round is cut to the lane that decides. Lanes are pairs of 32-bit words, as the hardware has them.

typedef unsigned int u32;
typedef unsigned long long u64;

#define DEVICE __device__ __forceinline__
#define UNROLL _Pragma("unroll")

constexpr int THREADS = 256;  // in a block
constexpr int HITS = 256;     // room for hits

struct Lane {
  u32 lo, hi;
};

struct Search {
  Lane moved[25];   // the first round's state for a nonce of zero
  u64 first;        // nonce
  u64 target;       // the most that the first 64 bits of a hit's hash may be
  u32 count;        // nonces to try
  u32 power[32];    // power[n] = 1 << n: where the compiler can't see it, a product stays a product
};

struct Found {
  u32 count;          // hits, also those for which there was no room
  u32 offsets[HITS];  // from the first nonce
};

// FIPS 202, sections 3.2.2 and 3.2.3: which lane pi moves to each place, and by how much rho rotates it on the way.
__device__ constexpr int FROM[25] = {0, 6, 12, 18, 24, 3, 9, 10, 16, 22, 1, 7, 13, 19, 20, 4, 5, 11, 17, 23, 2, 8, 14, 15, 21};
__device__ constexpr int ROT[25] = {0, 44, 43, 21, 14, 28, 20, 3, 45, 61, 1, 6, 25, 8, 18, 27, 36, 10, 15, 56, 62, 55, 39, 41, 2};

// How far the nonce is rotated where it reaches a lane in the first round: it stands in lane 4, and theta takes it to columns
// 0 and 3.
constexpr int NOT_REACHED = -1;
__device__ constexpr int NONCE[25] = {0,  -1, -1, 22, -1, 29, -1, 3,  -1, -1, -1, -1, 26,
                                      -1, 18, 27, 36, -1, -1, 57, -1, 56, -1, 41, -1};

// FIPS 202, section 3.2.5. Constant memory: the rounds are a loop.
__constant__ u64 RC[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

DEVICE Lane lane(u64 x) { return {(u32)x, (u32)(x >> 32)}; }

DEVICE Lane operator^(Lane a, Lane b) { return {a.lo ^ b.lo, a.hi ^ b.hi}; }

// Three inputs by a table of eight bits, which the compiler does not always find by itself.
DEVICE u32 xor3(u32 a, u32 b, u32 c) {
  u32 r;
  asm("lop3.b32 %0, %1, %2, %3, 0x96;" : "=r"(r) : "r"(a), "r"(b), "r"(c));
  return r;
}

DEVICE u32 chi(u32 a, u32 b, u32 c) {
  u32 r;
  asm("lop3.b32 %0, %1, %2, %3, 0xd2;" : "=r"(r) : "r"(a), "r"(b), "r"(c));
  return r;
}

DEVICE Lane xor3(Lane a, Lane b, Lane c) { return {xor3(a.lo, b.lo, c.lo), xor3(a.hi, b.hi, c.hi)}; }

DEVICE Lane chi(Lane a, Lane b, Lane c) { return {chi(a.lo, b.lo, c.lo), chi(a.hi, b.hi, c.hi)}; }

DEVICE Lane swapped(Lane a) { return {a.hi, a.lo}; }

// By the funnel shifter, which shares its pipe with the logic.
DEVICE Lane rotl(Lane a, int n) {
  if (n >= 32) a = swapped(a);
  if (n % 32 == 0) return a;
  return {__funnelshift_l(a.hi, a.lo, n % 32), __funnelshift_l(a.lo, a.hi, n % 32)};
}

// By products, on the pipe that else idles. The low half of word x 2^n is the word shifted left; the high half is what it
// shifts into its neighbour.
DEVICE Lane rotl_by_product(Lane a, int n, const Search& s) {
  if (n >= 32) a = swapped(a);
  const u32 power = s.power[n % 32];
  u32 lo, hi;
  asm("mul.lo.u32 %0, %1, %2;" : "=r"(lo) : "r"(a.lo), "r"(power));
  asm("mul.lo.u32 %0, %1, %2;" : "=r"(hi) : "r"(a.hi), "r"(power));
  asm("mad.hi.u32 %0, %1, %2, %0;" : "+r"(lo) : "r"(a.hi), "r"(power));
  asm("mad.hi.u32 %0, %1, %2, %0;" : "+r"(hi) : "r"(a.lo), "r"(power));
  return {lo, hi};
}

DEVICE void parities(const Lane* a, Lane* c) {
  UNROLL for (int x = 0; x < 5; x++) c[x] = xor3(xor3(a[x], a[x + 5], a[x + 10]), a[x + 15], a[x + 20]);
}

// Theta of one lane, given the parities and the same rotated by one.
DEVICE Lane theta(const Lane* a, const Lane* c, const Lane* c_rotated, int i) {
  return xor3(a[i], c[(i % 5 + 4) % 5], c_rotated[(i % 5 + 1) % 5]);
}

DEVICE void chi_rows(const Lane* b, Lane* a) {
  UNROLL for (int i = 0; i < 25; i++) {
    const int row = i / 5 * 5;
    a[i] = chi(b[i], b[row + (i + 1) % 5], b[row + (i + 2) % 5]);
  }
}

// One round, `PRODUCTS` of its 24 rotations by products.
template <int PRODUCTS>
DEVICE void round(Lane* a, Lane rc, const Search& s) {
  Lane b[25], c[5], c_rotated[5];
  parities(a, c);
  UNROLL for (int x = 0; x < 5; x++) c_rotated[x] = rotl(c[x], 1);
  UNROLL for (int i = 0; i < 25; i++) {
    const Lane t = theta(a, c, c_rotated, FROM[i]);
    b[i] = 1 <= i && i <= PRODUCTS ? rotl_by_product(t, ROT[i], s) : rotl(t, ROT[i]);
  }
  chi_rows(b, a);
  a[0] = a[0] ^ rc;
}

DEVICE u32 swap_bytes(u32 x) { return __byte_perm(x, 0, 0x0123); }

// The first 64 bits of a nonce's hash as a big-endian number.
template <int PRODUCTS>
DEVICE u64 leading_bits(u64 nonce, const Search& s) {
  const Lane n = {swap_bytes((u32)(nonce >> 32)), swap_bytes((u32)nonce)};
  Lane a[25], b[25], c[5];
  UNROLL for (int i = 0; i < 25; i++) b[i] = NONCE[i] == NOT_REACHED ? s.moved[i] : s.moved[i] ^ rotl(n, NONCE[i]);
  chi_rows(b, a);
  a[0] = a[0] ^ lane(RC[0]);
  // Two rounds a turn: unrolled, all 22 have as many instructions, in eight times the space.
#pragma unroll 1
  for (int r = 1; r < 23; r += 2) {
    round<PRODUCTS>(a, lane(RC[r]), s);
    round<PRODUCTS>(a, lane(RC[r + 1]), s);
  }
  parities(a, c);
  const Lane b0 = xor3(a[0], c[4], rotl(c[1], 1));
  const Lane b1 = rotl(xor3(a[6], c[0], rotl(c[2], 1)), ROT[1]);
  const Lane b2 = rotl(xor3(a[12], c[1], rotl(c[3], 1)), ROT[2]);
  const Lane h = chi(b0, b1, b2) ^ lane(RC[23]);
  return (u64)swap_bytes(h.lo) << 32 | swap_bytes(h.hi);
}

template <int PRODUCTS>
DEVICE void search(const Search& s, Found* found) {
  const u32 threads = gridDim.x * blockDim.x;
#pragma unroll 1
  for (u32 i = blockIdx.x * blockDim.x + threadIdx.x; i < s.count; i += threads) {
    if (leading_bits<PRODUCTS>(s.first + i, s) <= s.target) {
      const u32 place = atomicAdd(&found->count, 1);
      if (place < HITS) found->offsets[place] = i;
    }
  }
}

extern "C" __global__ void __launch_bounds__(THREADS) search_by_shifts(const Search s, Found* found) { search<0>(s, found); }

extern "C" __global__ void __launch_bounds__(THREADS) search_by_products(const Search s, Found* found) { search<12>(s, found); }
