 WHERE ("a", "b") >= ('60'::integer, '6000'::integer) AND ("a", "b") < ('80'::integer, '8000'::integer)
