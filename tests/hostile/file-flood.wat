;; tries: to use up the disk's inodes with empty folders
;; outcome: OutputTooLarge
(loop $again
  (i32.store (i32.const 256)
    (i32.add (i32.const 0x61616161)
      (i32.or
        (i32.or (i32.and (i32.wrap_i64 (local.get $i)) (i32.const 15))
          (i32.shl (i32.and (i32.wrap_i64 (local.get $i)) (i32.const 0xf0)) (i32.const 4)))
        (i32.or (i32.shl (i32.and (i32.wrap_i64 (local.get $i)) (i32.const 0xf00)) (i32.const 8))
          (i32.shl (i32.and (i32.wrap_i64 (local.get $i)) (i32.const 0xf000)) (i32.const 12))))))
  (local.set $i (i64.add (local.get $i) (i64.const 1)))
  (drop (call $mkdir (i32.const 3) (i32.const 256) (i32.const 4)))
  (br $again))
