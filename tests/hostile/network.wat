;; tries: to talk to the network by whatever descriptor might be a socket
;; outcome: Exited
;; prints: held
(loop $again
  (if (i32.eqz (call $sock_send (i32.wrap_i64 (local.get $i)) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16)))
    (then unreachable))
  (if (i32.eqz (call $sock_accept (i32.wrap_i64 (local.get $i)) (i32.const 0) (i32.const 16))) (then unreachable))
  (local.set $i (i64.add (local.get $i) (i64.const 1)))
  (br_if $again (i64.lt_u (local.get $i) (i64.const 64))))
(call $held)
