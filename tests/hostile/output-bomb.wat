;; tries: to fill memory and disk of agent and buyer by printing without end
;; outcome: OutOfFuel
(loop $again
  (drop (call $print (i32.const 0) (i32.const 65536)))
  (br $again))
