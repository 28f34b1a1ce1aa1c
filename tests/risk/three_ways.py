"""The three computations of the exact risk, each called directly."""

from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.risk import powers, recursion
from qtheory.risk.closed_form import ClosedForm
from qtheory.risk.decomposition import decompose


def _from_raw(method, problem, quantization, sgd, arithmetic):
    with arithmetic.working():
        instance = instantiate(Run(problem, quantization, sgd), arithmetic)
        first, second = method.output_moments(instance, Window.of(sgd))
        wq = instance.quantized_target
        return decompose(instance, first - wq, second - 2 * wq * first + wq**2)


def by_recursion(problem, quantization, sgd, arithmetic):
    return _from_raw(recursion, problem, quantization, sgd, arithmetic)


def by_powers(problem, quantization, sgd, arithmetic):
    return _from_raw(powers, problem, quantization, sgd, arithmetic)


def by_closed_form(problem, quantization, sgd, arithmetic):
    with arithmetic.working():
        form = ClosedForm(instantiate(Run(problem, quantization, sgd), arithmetic))
        window = Window.of(sgd)
        moments = form.first_moment(window), form.second_moment(window)
        return decompose(form.instance, *moments)
