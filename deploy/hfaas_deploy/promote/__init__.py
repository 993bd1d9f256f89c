"""Promotion: what was rehearsed on the emulator goes to AWS, the same template and the same images.

    guard -> plan -> (a person agrees) -> bootstrap Stack -> push -> change set -> apply
          -> secrets -> notifications of others' buckets -> first look -> smoke -> record

`promotion` holds what is known before anything is touched, `procedure` does it. Nothing is kept on this machine that
AWS does not know: what was cut off is taken up again by doing it again.
"""
