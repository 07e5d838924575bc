;; tries: to keep a processor for ever
;; outcome: OutOfFuel
(loop $again (br $again))
