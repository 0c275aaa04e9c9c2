"""x."""
from pathlib import Path
from typing import Any
from ghala_retail.company.business import Business, Company
class Witness:
    def __init__(self, company: Company) -> None:
        self.company=company
        self.w=0; self.l=0; self.o=0; self.n=0; self.u=0;self.s=0
    def see(self, b: Business) -> None:
        w=b.wishes
        self.w+=w.units.sum(); self.l+=w.units[~w.was_served].sum(); self.o+=len(b.sales.order); self.n+=len(b.sales.sku)
        self.u+=(w.units[w.substitute>=0]).sum()
        self.s+=len(b.stored)
    def write(self, f: Path, x: Any) -> None:
        print("wanted",self.w,"lost",self.l/self.w,"subst",self.u/self.l,"orders",self.o,"lines",self.n,"stored",self.s)
