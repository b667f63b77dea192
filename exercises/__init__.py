"""The exercises of the lessons: a check for each one, and wrong answers that it must tell apart.

`checks_NN.py` holds the checks of lesson NN, and `mistakes_NN.py` holds common wrong answers to its
exercises. `checking.py` holds what all checks share. A lesson imports its checks with
`from exercises import checks_03 as checks` and calls `checks.content_gradient(my_function)`.
"""
