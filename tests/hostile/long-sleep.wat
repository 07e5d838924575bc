;; tries: to hold its place for a year by sleeping: one subscription to a clock, at 512
;; outcome: Exited
;; prints: held
(i32.store8 (i32.const 520) (i32.const 0))
(i32.store (i32.const 528) (i32.const 1))
(i64.store (i32.const 536) (i64.const 31536000000000000))
(if (call $poll (i32.const 512) (i32.const 600) (i32.const 1) (i32.const 700)) (then unreachable))
(call $held)
