From Coq Require Import Reals ZArith NArith Lra Lia List.
From Coq Require QArith Qreals RealField setoid_ring.Ring_theory micromega.EnvRing.
Import ListNotations.
Open Scope R_scope.

(* The checker of certificates, and that what it takes is so (theorem "proved").

   A leaf says that a goal follows from premises: formulas on real numbers x0, x1, ... and on truth
   values t0, t1, ... Its certificate is a tree of cases. What is known at a place of the tree are
   the facts f0, f1, ...: the premises and the negated goal, a conjunction as its parts; then what
   the steps down to that place added. A branch ends in a sum of products of facts that is positive
   by the facts, and zero as a polynomial with rational coefficients. Whether a polynomial is zero
   is computed by Coq.micromega.EnvRing; the rest is the bookkeeping of a proof by cases. *)

Inductive number :=
| Unknown (k : nat) | Whole (z : Z) | Ratio (a : Z) (b : positive)
| Plus (a b : number) | Times (a b : number) | Power (a : number) (n : nat).

Inductive formula :=
| Truth (k : nat) | Yes | No
| LessEqual (a b : number) | Less (a b : number) | Equal (a b : number)
| Not (f : formula) | And (f g : formula) | Or (f g : formula) | Implies (f g : formula).

(* What is known of all terms of a kind: b = 0 or (a/b) b = a; what an if-then-else is; equal
   arguments give equal values; no integer lies between 0 and 1. *)
Inductive note :=
| Quotient (v a b : number)
| Choice (v : number) (condition : formula) (yes no : number)
| Arguments_of (equal : list formula) (v w : number)
| Integer (p : number).

Declare Scope number_scope.
Delimit Scope number_scope with number.
Bind Scope number_scope with number.
Declare Scope formula_scope.
Delimit Scope formula_scope with formula.
Bind Scope formula_scope with formula.
Definition whole_of (a : number) : option Z := match a with Whole z => Some z | _ => None end.
Number Notation number Whole whole_of : number_scope.
Notation "a + b" := (Plus a%number b%number) : number_scope.
Notation "a * b" := (Times a%number b%number) : number_scope.
Notation "a / b" := (Ratio a%Z b%positive) : number_scope.
Notation "a ^ n" := (Power a%number n%nat) : number_scope.
Notation "a <= b" := (LessEqual a%number b%number) : formula_scope.
Notation "a < b" := (Less a%number b%number) : formula_scope.
Notation "a = b" := (Equal a%number b%number) : formula_scope.
Notation "~ f" := (Not f%formula) : formula_scope.
Notation "f /\ g" := (And f%formula g%formula) : formula_scope.
Notation "f \/ g" := (Or f%formula g%formula) : formula_scope.
Notation "f -> g" := (Implies f%formula g%formula) : formula_scope.

(* What is known at a place of the tree of cases: a comparison of a polynomial with zero, a truth
   value, or an alternative. *)
Inductive relation := Zero | NotZero | NotNegative | Positive.
Inductive part := Says (holds : bool) (f : formula) | Has (r : relation) (p : number).
Inductive fact :=
| Compares (r : relation) (p : number) | IsTrue (holds : bool) (k : nat) | Either (parts : list part).

(* (a/b) s^2 times the polynomials of facts; and a polynomial times that of a fact which is zero. *)
Inductive product := Product (a b : positive) (square : number) (facts : list nat).
Inductive multiple := Multiple (factor : number) (k : nat).
Definition once (k : nat) : product := Product 1 1 1 [k].
Definition plus (k : nat) : multiple := Multiple 1 k.
Definition less (k : nat) : multiple := Multiple (-1) k.

Inductive step :=
(* one of the parts of an alternative holds *)
| Split (k : nat) (cases : list step)
| Noted (k : nat) (s : step)
| Sign (p : number) (s : step)
(* p is not zero: facts that are not zero, multiplied, are a multiple of it *)
| Nonzero (p : number) (facts : list nat) (cofactor : number) (zeros : list multiple) (s : step)
(* the end: a positive sum that is zero, when multiplied by facts that are not zero *)
| Ends (divisors : list nat) (first : product) (sum : list product) (zeros : list multiple)
| Clash (yes no : nat).

(* --- what it all means --- *)

Fixpoint value (l : list R) (a : number) : R :=
  match a with
  | Unknown k => nth k l 0
  | Whole z => IZR z
  | Ratio a b => IZR a / IZR (Zpos b)
  | Plus a b => value l a + value l b
  | Times a b => value l a * value l b
  | Power a n => value l a ^ n
  end.

Fixpoint means (l : list R) (t : list Prop) (f : formula) : Prop :=
  match f with
  | Truth k => nth k t True
  | Yes => True
  | No => False
  | LessEqual a b => value l a <= value l b
  | Less a b => value l a < value l b
  | Equal a b => value l a = value l b
  | Not f => ~ means l t f
  | And f g => means l t f /\ means l t g
  | Or f g => means l t f \/ means l t g
  | Implies f g => means l t f -> means l t g
  end.

Fixpoint given (l : list R) (t : list Prop) (formulas : list formula) (P : Prop) : Prop :=
  match formulas with [] => P | f :: rest => means l t f -> given l t rest P end.

Definition noted (l : list R) (t : list Prop) (n : note) : Prop :=
  match n with
  | Quotient v a b => value l b = 0 \/ value l v * value l b = value l a
  | Choice v c yes no =>
      (means l t c -> value l v = value l yes) /\ (~ means l t c -> value l v = value l no)
  | Arguments_of equal v w => given l t equal (value l v = value l w)
  | Integer p => value l p <= 0 \/ 1 <= value l p
  end.

Fixpoint noting (l : list R) (t : list Prop) (notes : list note) (P : Prop) : Prop :=
  match notes with [] => P | n :: rest => noted l t n -> noting l t rest P end.

(* A leaf: whatever the numbers and truth values are, the goal follows from the premises. *)
Definition follows (premises : list formula) (notes : list note) (goal : formula) : Prop :=
  forall (l : list R) (t : list Prop), given l t premises (noting l t notes (means l t goal)).

(* That a lemma on x0, x1, ... speaks of the numbers at hand is seen by computing these. *)
Strategy expand [value means given noted noting follows].

(* --- the checker --- *)

Definition minus (a b : number) : number := Plus a (Times (Whole (-1)) b).
Definition negative (a : number) : number := Times (Whole (-1)) a.

Module Polynomials.
  Import QArith Qreals EnvRing.
  Definition add (a b : Q) := Qred (a + b).
  Definition sub (a b : Q) := Qred (a - b).
  Definition mul (a b : Q) := Qred (a * b).
  Fixpoint read (a : number) : PExpr Q :=
    match a with
    | Unknown k => PEX (Pos.of_succ_nat k)
    | Whole z => PEc (z # 1)
    | Ratio a b => PEc (a # b)
    | Plus a b => PEadd (read a) (read b)
    | Times a b => PEmul (read a) (read b)
    | Power a n => PEpow (read a) (N.of_nat n)
    end.
  Definition is_zero (a : number) : bool :=
    Peq Qeq_bool (norm_aux 0%Q 1%Q add mul sub Qopp Qeq_bool (read a)) (Pc 0%Q).
End Polynomials.

(* The alternatives of which one holds, if a formula does or does not. *)
Fixpoint alternatives (holds : bool) (f : formula) : list part :=
  match f, holds with
  | Not g, _ => alternatives (negb holds) g
  | Or g h, true => alternatives true g ++ alternatives true h
  | And g h, false => alternatives false g ++ alternatives false h
  | Implies g h, true => alternatives false g ++ alternatives true h
  | Yes, false | No, true => []
  | _, _ => [Says holds f]
  end.

Fixpoint facts_of (holds : bool) (f : formula) : list fact :=
  match f, holds with
  | Truth k, _ => [IsTrue holds k]
  | Yes, true | No, false => []
  | LessEqual a b, true => [Compares NotNegative (minus b a)]
  | LessEqual a b, false => [Compares Positive (minus a b)]
  | Less a b, true => [Compares Positive (minus b a)]
  | Less a b, false => [Compares NotNegative (minus a b)]
  | Equal a b, true => [Compares Zero (minus a b)]
  | Equal a b, false => [Compares NotZero (minus a b)]
  | Not g, _ => facts_of (negb holds) g
  | And g h, true => facts_of true g ++ facts_of true h
  | Or g h, false => facts_of false g ++ facts_of false h
  | Implies g h, false => facts_of true g ++ facts_of false h
  | _, _ => [Either (alternatives holds f)]
  end.

Definition facts_of_note (n : note) : list fact :=
  match n with
  | Quotient v a b =>
      [Either [Has Zero b; Has NotZero b]; Either [Has Zero b; Has Zero (minus (Times v b) a)]]
  | Choice v c yes no =>
      [Either [Says false c; Has Zero (minus v yes)]; Either [Says true c; Has Zero (minus v no)];
       Either [Says true c; Says false c]]
  | Arguments_of equal v w =>
      [Either (map (fun f => match f with Equal a b => Has NotZero (minus a b) | _ => Says false f end) equal
               ++ [Has Zero (minus v w)])]
  | Integer p => [Either [Has NotNegative (negative p); Has NotNegative (minus p (Whole 1))]]
  end.

Definition facts_of_part (p : part) : list fact :=
  match p with Says holds f => facts_of holds f | Has r p => [Compares r p] end.

Definition cases (f : fact) : option (list (list fact)) :=
  match f with
  | Either parts => Some (map facts_of_part parts)
  | Compares NotZero p => Some [[Compares Positive p]; [Compares Positive (negative p)]]
  | _ => None
  end.

Definition fact_at (facts : list fact) (k : nat) : fact := nth k facts (Compares Zero (Whole 0)).
Definition zero_at facts k :=
  match fact_at facts k with Compares Zero p => Some p | _ => None end.
Definition nonzero_at facts k :=
  match fact_at facts k with Compares NotZero p | Compares Positive p => Some p | _ => None end.
Definition positive_at facts k :=
  match fact_at facts k with Compares Positive p => Some p | _ => None end.
Definition nonnegative_at facts k :=
  match fact_at facts k with Compares NotNegative p | Compares Positive p => Some p | _ => None end.

Fixpoint multiplied (at_ : nat -> option number) (which : list nat) : option number :=
  match which with
  | [] => Some (Whole 1)
  | k :: rest =>
      match at_ k, multiplied at_ rest with Some p, Some q => Some (Times p q) | _, _ => None end
  end.
Fixpoint summed (facts : list fact) (zeros : list multiple) : option number :=
  match zeros with
  | [] => Some (Whole 0)
  | Multiple m k :: rest =>
      match zero_at facts k, summed facts rest with
      | Some p, Some q => Some (Plus (Times m p) q) | _, _ => None
      end
  end.
Definition coefficient (p : product) : number :=
  let (a, b, square, _) := p in Times (Ratio (Zpos a) b) (Power square 2).
Definition strict (facts : list fact) (p : product) : option number :=
  match p with
  | Product a b (Whole 1) own =>
      match multiplied (positive_at facts) own with
      | Some q => Some (Times (coefficient p) q) | None => None
      end
  | _ => None
  end.
Fixpoint nonnegative_sum (facts : list fact) (products : list product) : option number :=
  match products with
  | [] => Some (Whole 0)
  | p :: rest =>
      let (_, _, _, own) := p in
      match multiplied (nonnegative_at facts) own, nonnegative_sum facts rest with
      | Some q, Some s => Some (Plus (Times (coefficient p) q) s) | _, _ => None
      end
  end.

Fixpoint check (notes : list note) (facts : list fact) (s : step) {struct s} : bool :=
  match s with
  | Split k steps =>
      match cases (fact_at facts k) with
      | None => false
      | Some each =>
          (fix all (each : list (list fact)) (steps : list step) {struct steps} : bool :=
             match each, steps with
             | [], [] => true
             | own :: each, s :: steps =>
                 if check notes (facts ++ own) s then all each steps else false
             | _, _ => false
             end) each steps
      end
  | Noted k s =>
      match nth_error notes k with
      | None => false | Some n => check notes (facts ++ facts_of_note n) s
      end
  | Sign p s =>
      check notes (facts ++ [Either [Has Zero p; Has Positive p; Has Positive (negative p)]]) s
  | Nonzero p which cofactor zeros s =>
      match multiplied (nonzero_at facts) which, summed facts zeros with
      | Some q, Some z =>
          if Polynomials.is_zero (minus q (Plus (Times cofactor p) z))
          then check notes (facts ++ [Compares NotZero p]) s else false
      | _, _ => false
      end
  | Ends divisors first sum zeros =>
      match multiplied (nonzero_at facts) divisors, strict facts first,
            nonnegative_sum facts sum, summed facts zeros with
      | Some d, Some p, Some s, Some z => Polynomials.is_zero (minus (Times d (Plus p s)) z)
      | _, _, _, _ => false
      end
  | Clash yes no =>
      match fact_at facts yes, fact_at facts no with
      | IsTrue true j, IsTrue false k => Nat.eqb j k | _, _ => false
      end
  end.

(* Comparisons of real numbers hold or do not; of truth values that is not known. *)
Fixpoint decidable (f : formula) : bool :=
  match f with
  | Truth _ => false
  | Not f => decidable f
  | And f g | Or f g | Implies f g => decidable f && decidable g
  | _ => true
  end.

Definition proves (premises : list formula) (notes : list note) (goal : formula) (s : step) : bool :=
  decidable goal && check notes (flat_map (facts_of true) premises ++ facts_of false goal) s.

(* --- why what it takes is so --- *)

Module Sound.
  Import QArith Qreals Ring_theory RealField EnvRing.
  Open Scope R_scope.
  Lemma reduced (q : Q) : Q2R (Qred q) = Q2R q.
  Proof. apply Qeq_eqR, Qred_correct. Qed.
  Lemma morphism :
    ring_morph 0 1 Rplus Rmult Rminus Ropp eq
      0%Q 1%Q Polynomials.add Polynomials.mul Polynomials.sub Qopp Qeq_bool Q2R.
  Proof.
    constructor; intros; unfold Polynomials.add, Polynomials.mul, Polynomials.sub; rewrite ?reduced.
    - unfold Q2R; simpl; field.
    - unfold Q2R; simpl; field.
    - apply Q2R_plus.
    - apply Q2R_minus.
    - apply Q2R_mult.
    - apply Q2R_opp.
    - apply Qeq_eqR, Qeq_bool_eq; assumption.
  Qed.
  Definition environment (l : list R) : Env.Env R := fun p => List.nth (pred (Pos.to_nat p)) l 0.
  Lemma read_ok l a :
    PEeval Rplus Rmult Rminus Ropp Q2R N.to_nat pow (environment l) (Polynomials.read a) = value l a.
  Proof.
    induction a; simpl; rewrite ?IHa, ?IHa1, ?IHa2; try reflexivity.
    - unfold Env.nth, environment. rewrite SuccNat2Pos.id_succ. reflexivity.
    - unfold Q2R; simpl; field.
    - rewrite Nat2N.id. reflexivity.
  Qed.
  Lemma is_zero_ok a : Polynomials.is_zero a = true -> forall l, value l a = 0.
  Proof.
    intros H l. rewrite <- read_ok.
    pose (equal := Eqsth R). pose (extensional := Eq_ext Rplus Rmult Ropp).
    rewrite (norm_aux_spec equal extensional (Rth_ARth equal extensional RTheory) morphism R_power_theory).
    rewrite (Peq_ok equal extensional morphism _ _ H (environment l)).
    simpl. unfold Q2R; simpl; field.
  Qed.
End Sound.

Section Soundness.
  Variables (l : list R) (t : list Prop) (notes : list note).

  Definition says (r : relation) (p : number) : Prop :=
    match r with
    | Zero => value l p = 0 | NotZero => value l p <> 0
    | NotNegative => 0 <= value l p | Positive => 0 < value l p
    end.
  Definition signed (holds : bool) (P : Prop) : Prop := if holds then P else ~ P.
  Definition part_holds (p : part) : Prop :=
    match p with Says holds f => signed holds (means l t f) | Has r p => says r p end.
  (* one of the parts: no more is needed for a contradiction than that not all fail *)
  Definition holds (f : fact) : Prop :=
    match f with
    | Compares r p => says r p
    | IsTrue holds k => signed holds (nth k t True)
    | Either parts => ~ Forall (fun p => ~ part_holds p) parts
    end.

  Lemma value_minus a b : value l (minus a b) = value l a - value l b.
  Proof. simpl. ring. Qed.
  Lemma value_negative a : value l (negative a) = - value l a.
  Proof. simpl. ring. Qed.

  Lemma alternatives_ok f : forall b, signed b (means l t f) ->
    ~ Forall (fun p => ~ part_holds p) (alternatives b f).
  Proof.
    induction f; intros [] H K; simpl in *; rewrite ?Forall_app in K;
      try (inversion K; subst; simpl in *; tauto);
      try (destruct K as [K1 K2];
           first [ assert (A1 := IHf1 true); assert (A2 := IHf2 true); simpl in *; tauto
                 | assert (A1 := IHf1 false); assert (A2 := IHf2 false); simpl in *; tauto
                 | assert (A1 := IHf1 false); assert (A2 := IHf2 true); simpl in *; tauto ]);
      try tauto.
    - exact (IHf false H K).
    - apply H. intros h. exact (IHf true h K).
  Qed.

  Lemma one f : holds f -> ~ ~ Forall holds [f].
  Proof. intros H K. apply K. constructor; [exact H | constructor]. Qed.
  Lemma both f g : ~ ~ Forall holds f -> ~ ~ Forall holds g -> ~ ~ Forall holds (f ++ g).
  Proof. rewrite Forall_app. tauto. Qed.
  Lemma facts_ok f : forall b, signed b (means l t f) -> ~ ~ Forall holds (facts_of b f).
  Proof.
    induction f; intros [] H; simpl facts_of; simpl in H.
    (* a truth value, true, false *)
    1-2: apply one; exact H.
    1, 4: intros K; apply K; constructor.
    1-2: tauto.
    (* comparisons *)
    1-6: apply one; unfold holds, says; rewrite value_minus; lra.
    (* not *)
    - exact (IHf false H).
    - intros K. apply H. intros h. exact (IHf true h K).
    (* and, or, implies *)
    - apply both; [exact (IHf1 true (proj1 H)) | exact (IHf2 true (proj2 H))].
    - apply one. exact (alternatives_ok (And f1 f2) false H).
    - apply one. exact (alternatives_ok (Or f1 f2) true H).
    - apply both; [apply (IHf1 false) | apply (IHf2 false)]; simpl; tauto.
    - apply one. exact (alternatives_ok (Implies f1 f2) true H).
    - apply both; [|apply (IHf2 false); simpl; tauto].
      intros K. apply H. intros h. exfalso. exact (IHf1 true h K).
  Qed.

  Lemma note_ok n : noted l t n -> ~ ~ Forall holds (facts_of_note n).
  Proof.
    destruct n as [v a b | v c yes no | equal v w | p]; intros H; simpl in H.
    - apply (both [_] [_]); apply one; intros K; repeat apply Forall_cons_iff in K as [? K];
        unfold part_holds, says in *; rewrite ?value_minus in *; simpl in *; lra.
    - destruct H as [H1 H2]. apply (both [_] [_; _]); [|apply (both [_] [_])]; apply one; intros K;
        apply Forall_cons_iff in K as [K1 K]; apply Forall_cons_iff in K as [K2 K];
        unfold part_holds, signed, says in *; rewrite ?value_minus in *; [| | tauto].
      + apply K1. intros h. apply K2. rewrite (H1 h). ring.
      + apply K2. rewrite (H2 K1). ring.
    - apply one. intros K. apply Forall_app in K as [K1 K2].
      apply Forall_cons_iff in K2 as [K2 _]. apply K2. unfold part_holds, says. rewrite value_minus.
      enough (value l v = value l w) by lra.
      induction equal as [|f rest IH]; [exact H|]. simpl in H.
      apply Forall_cons_iff in K1 as [K1 K].
      destruct (Req_EM_T (value l v) (value l w)) as [E|E]; [exact E|]. exfalso.
      assert (no : ~ means l t f) by (intros h; apply E, IH; auto).
      apply K1. destruct f; try exact no. unfold part_holds, says. rewrite value_minus. simpl in no. lra.
    - apply one. intros K. repeat apply Forall_cons_iff in K as [? K].
      unfold part_holds, says in *. rewrite ?value_minus, ?value_negative in *. simpl in *. lra.
  Qed.

  Lemma part_ok p : part_holds p -> ~ ~ Forall holds (facts_of_part p).
  Proof. destruct p as [b f | r p]; [apply facts_ok | apply (one (Compares r p))]. Qed.

  Lemma cases_ok f each : cases f = Some each -> holds f ->
    ~ Forall (fun own => ~ ~ ~ Forall holds own) each.
  Proof.
    destruct f as [[] p | |parts]; simpl; intros E H K; inversion E; subst; clear E.
    - repeat apply Forall_cons_iff in K as [? K].
      destruct (Rtotal_order (value l p) 0) as [L|[L|L]]; [apply H1| contradiction |apply H0];
        apply one; unfold holds, says; rewrite ?value_negative; lra.
    - apply H. rewrite Forall_map in K. revert K. apply Forall_impl. intros p K h.
      exact (K (part_ok p h)).
  Qed.

  Section Known.
    Variable facts : list fact.
    Hypothesis all : Forall holds facts.

    Lemma known k : holds (fact_at facts k).
    Proof.
      unfold fact_at. destruct (nth_in_or_default k facts (Compares Zero (Whole 0))) as [H|H].
      - exact (proj1 (Forall_forall _ _) all _ H).
      - rewrite H. reflexivity.
    Qed.
    Lemma zero_known k p : zero_at facts k = Some p -> value l p = 0.
    Proof.
      unfold zero_at. assert (H := known k). destruct (fact_at facts k) as [[] q | |];
        intros E; inversion E; subst; exact H.
    Qed.
    Lemma nonzero_known k p : nonzero_at facts k = Some p -> value l p <> 0.
    Proof.
      unfold nonzero_at. assert (H := known k). destruct (fact_at facts k) as [[] q | |];
        intros E; inversion E; subst; simpl in H; lra.
    Qed.
    Lemma positive_known k p : positive_at facts k = Some p -> 0 < value l p.
    Proof.
      unfold positive_at. assert (H := known k). destruct (fact_at facts k) as [[] q | |];
        intros E; inversion E; subst; simpl in H; lra.
    Qed.
    Lemma nonnegative_known k p : nonnegative_at facts k = Some p -> 0 <= value l p.
    Proof.
      unfold nonnegative_at. assert (H := known k). destruct (fact_at facts k) as [[] q | |];
        intros E; inversion E; subst; simpl in H; lra.
    Qed.

    Lemma multiplied_ok (P : R -> Prop) at_ : P 1 -> (forall a b, P a -> P b -> P (a * b)) ->
      (forall k p, at_ k = Some p -> P (value l p)) ->
      forall which p, multiplied at_ which = Some p -> P (value l p).
    Proof.
      intros P1 times known_ which. induction which as [|k rest IH]; simpl; intros p E.
      - inversion E; subst. exact P1.
      - destruct (at_ k) eqn:A; [|discriminate]. destruct (multiplied at_ rest); [|discriminate].
        inversion E; subst. simpl. apply times; [exact (known_ k _ A) | exact (IH _ eq_refl)].
    Qed.
    Lemma nonzero_product which p : multiplied (nonzero_at facts) which = Some p -> value l p <> 0.
    Proof.
      apply (multiplied_ok (fun x => x <> 0)); [lra | | exact nonzero_known].
      intros a b A B E. destruct (Rmult_integral _ _ E); tauto.
    Qed.
    Lemma positive_product which p : multiplied (positive_at facts) which = Some p -> 0 < value l p.
    Proof.
      apply (multiplied_ok (fun x => 0 < x)); [lra | exact Rmult_lt_0_compat | exact positive_known].
    Qed.
    Lemma nonnegative_product which p : multiplied (nonnegative_at facts) which = Some p -> 0 <= value l p.
    Proof.
      apply (multiplied_ok (fun x => 0 <= x)); [lra | exact Rmult_le_pos | exact nonnegative_known].
    Qed.

    Lemma ratio_positive a b : 0 < IZR (Zpos a) / IZR (Zpos b).
    Proof. apply Rdiv_lt_0_compat; apply IZR_lt; lia. Qed.
    Lemma coefficient_ok p : 0 <= value l (coefficient p).
    Proof.
      destruct p as [a b square own]. simpl. assert (H := ratio_positive a b).
      apply Rmult_le_pos; [lra|]. rewrite Rmult_1_r. exact (Rle_0_sqr _).
    Qed.
    Lemma summed_ok zeros : forall p, summed facts zeros = Some p -> value l p = 0.
    Proof.
      induction zeros as [|[m k] rest IH]; simpl; intros p E.
      - inversion E; subst. reflexivity.
      - destruct (zero_at facts k) eqn:A; [|discriminate]. destruct (summed facts rest); [|discriminate].
        inversion E; subst. simpl. rewrite (zero_known _ _ A), (IH _ eq_refl). ring.
    Qed.
    Lemma strict_ok p q : strict facts p = Some q -> 0 < value l q.
    Proof.
      destruct p as [a b square own]. unfold strict. intros E.
      destruct square as [| [| [] |] | | | |]; try discriminate.
      destruct (multiplied (positive_at facts) own) eqn:A; [|discriminate]. inversion E; subst.
      assert (H := positive_product _ _ A). assert (K := ratio_positive a b). simpl.
      apply Rmult_lt_0_compat; [|exact H]. simpl in K. lra.
    Qed.
    Lemma sum_ok products : forall p, nonnegative_sum facts products = Some p -> 0 <= value l p.
    Proof.
      induction products as [|[a b square own] rest IH]; cbn [nonnegative_sum]; intros p E.
      - inversion E; subst. simpl. lra.
      - destruct (multiplied (nonnegative_at facts) own) eqn:A; [|discriminate].
        destruct (nonnegative_sum facts rest); [|discriminate]. inversion E; subst.
        assert (H := nonnegative_product _ _ A). assert (K := IH _ eq_refl).
        assert (C := coefficient_ok (Product a b square own)).
        exact (Rplus_le_le_0_compat _ _ (Rmult_le_pos _ _ C H) K).
    Qed.
  End Known.

  Hypothesis all_noted : Forall (noted l t) notes.

  (* what follows from facts follows from facts that need only not fail *)
  Lemma more facts own : Forall holds facts -> ~ ~ Forall holds own ->
    ~ Forall holds (facts ++ own) -> False.
  Proof. rewrite Forall_app. tauto. Qed.

  Fixpoint check_ok (s : step) : forall facts, check notes facts s = true -> ~ Forall holds facts.
  Proof.
    destruct s as [k steps | k s | p s | p which cofactor zeros s | divisors first sum zeros | yes no];
      intros facts E all; simpl in E.
    - destruct (cases (fact_at facts k)) as [each|] eqn:C; [|discriminate].
      apply (cases_ok _ _ C (known facts all k)). clear C. revert each E.
      induction steps as [|s steps IH]; intros [|own each] E; try discriminate; constructor.
      + destruct (check notes (facts ++ own) s) eqn:A; [|discriminate].
        intros H. exact (more facts own all H (check_ok s _ A)).
      + apply IH. destruct (check notes (facts ++ own) s); [exact E | discriminate].
    - destruct (nth_error notes k) as [n|] eqn:N; [|discriminate].
      apply (more facts _ all (note_ok n (proj1 (Forall_forall _ _) all_noted n (nth_error_In _ _ N)))).
      exact (check_ok s _ E).
    - refine (more facts _ all _ (check_ok s _ E)). apply one. intros K.
      apply Forall_cons_iff in K as [zero K]. apply Forall_cons_iff in K as [above K].
      apply Forall_cons_iff in K as [below _]. unfold part_holds, says in *.
      rewrite value_negative in below.
      destruct (Rtotal_order (value l p) 0) as [L|[L|L]]; [apply below | exact (zero L) | apply above]; lra.
    - destruct (multiplied (nonzero_at facts) which) as [q|] eqn:Q; [|discriminate].
      destruct (summed facts zeros) as [z|] eqn:Z; [|discriminate].
      destruct (Polynomials.is_zero _) eqn:P; [|discriminate].
      refine (more facts _ all _ (check_ok s _ E)). apply one. simpl. intros zero.
      apply (nonzero_product facts all _ _ Q).
      assert (H := Sound.is_zero_ok _ P l). rewrite value_minus in H. cbn [value] in H.
      rewrite (summed_ok facts all _ _ Z), zero in H. lra.
    - destruct (multiplied (nonzero_at facts) divisors) as [d|] eqn:D; [|discriminate].
      destruct (strict facts first) as [p|] eqn:P; [|discriminate].
      destruct (nonnegative_sum facts sum) as [s|] eqn:S; [|discriminate].
      destruct (summed facts zeros) as [z|] eqn:Z; [|discriminate].
      assert (H := Sound.is_zero_ok _ E l). rewrite value_minus in H. cbn [value] in H.
      rewrite (summed_ok facts all _ _ Z) in H.
      assert (A := strict_ok facts all _ _ P). assert (B := sum_ok facts all _ _ S).
      destruct (Rmult_integral (value l d) (value l p + value l s)); [lra | | lra].
      exact (nonzero_product facts all _ _ D H0).
    - assert (A := known facts all yes). assert (B := known facts all no).
      destruct (fact_at facts yes) as [|[] j|], (fact_at facts no) as [|[] k|]; try discriminate.
      apply Nat.eqb_eq in E. subst. simpl in A, B. tauto.
  Qed.
End Soundness.

(* tauto would use the law of the excluded middle for these, an axiom. *)
Lemma decided l t f : decidable f = true -> means l t f \/ ~ means l t f.
Proof.
  induction f; simpl; intros D; try discriminate; try apply andb_prop in D.
  - left; exact I.
  - right; exact (fun h => h).
  - destruct (Rle_dec (value l a) (value l b)) as [H|H]; [left | right]; exact H.
  - destruct (Rlt_dec (value l a) (value l b)) as [H|H]; [left | right]; exact H.
  - destruct (Req_EM_T (value l a) (value l b)) as [H|H]; [left | right]; exact H.
  - destruct (IHf D) as [H|H]; [right; auto | left; exact H].
  - destruct (IHf1 (proj1 D)) as [H|H], (IHf2 (proj2 D)) as [K|K]; [left; auto | right; tauto..].
  - destruct (IHf1 (proj1 D)) as [H|H]; [auto|]. destruct (IHf2 (proj2 D)) as [K|K]; [auto | right; tauto].
  - destruct (IHf2 (proj2 D)) as [K|K]; [auto|]. destruct (IHf1 (proj1 D)) as [H|H]; [right; auto | left; tauto].
Qed.

Theorem proved (premises : list formula) (notes : list note) (goal : formula) (s : step) :
  proves premises notes goal s = true -> follows premises notes goal.
Proof.
  intros E l t. apply andb_prop in E as [D E].
  assert (closed : Forall (noted l t) notes ->
    ~ ~ Forall (holds l t) (flat_map (facts_of true) premises) -> means l t goal).
  { intros N K. destruct (decided l t goal D) as [G|G]; [exact G|]. exfalso. apply K. intros all.
    apply (facts_ok l t goal false G). intros own.
    apply (check_ok l t notes N s _ E). apply Forall_app. split; assumption. }
  clear D E. revert closed. generalize notes. generalize (means l t goal). intros P which.
  assert (last : (Forall (noted l t) which -> P) -> noting l t which P).
  { induction which as [|n which IH]; simpl; auto. }
  intros closed. induction premises as [|f premises IH]; simpl in *.
  - apply last. intros N. exact (closed N (fun K => K (Forall_nil _))).
  - intros h. apply IH. intros N K. apply (closed N). intros all. rewrite Forall_app in all.
    exact (facts_ok l t f true h (fun own => K (fun rest => all (conj own rest)))).
Qed.

(* --- the rules of the kernel --- *)

(* Comparisons of real numbers can be decided, and so can what is built from them. *)
Class Decidable (P : Prop) := decide : {P} + {~ P}.
Arguments decide P {Decidable}.
#[export] Instance decide_le (a b : R) : Decidable (a <= b) := Rle_dec a b.
#[export] Instance decide_lt (a b : R) : Decidable (a < b) := Rlt_dec a b.
#[export] Instance decide_eq (a b : R) : Decidable (a = b) := Req_EM_T a b.
#[export] Instance decide_true : Decidable True := left I.
#[export] Instance decide_false : Decidable False := right (fun f => f).
#[export] Instance decide_and P Q (p : Decidable P) (q : Decidable Q) : Decidable (P /\ Q).
Proof. unfold Decidable in *; tauto. Defined.
#[export] Instance decide_or P Q (p : Decidable P) (q : Decidable Q) : Decidable (P \/ Q).
Proof. unfold Decidable in *; tauto. Defined.
#[export] Instance decide_implies P Q (p : Decidable P) (q : Decidable Q) : Decidable (P -> Q).
Proof. unfold Decidable in *; tauto. Defined.
#[export] Instance decide_not P (p : Decidable P) : Decidable (~ P).
Proof. unfold Decidable in *; tauto. Defined.

Lemma quotient (a b : R) : b = 0 \/ a / b * b = a.
Proof. destruct (Req_EM_T b 0) as [E|E]; [left; exact E | right; field; exact E]. Qed.
Lemma choice (C : Prop) (d : Decidable C) (a b : R) :
  (C -> (if decide C then a else b) = a) /\ (~ C -> (if decide C then a else b) = b).
Proof. destruct (decide C); tauto. Qed.
Lemma choice_integer (C : Prop) (d : Decidable C) (a b : Z) :
  (C -> IZR (if decide C then a else b) = IZR a) /\ (~ C -> IZR (if decide C then a else b) = IZR b).
Proof. destruct (decide C); tauto. Qed.
Lemma no_integer_between (z : Z) : IZR z <= 0 \/ 1 <= IZR z.
Proof. destruct (Z_le_gt_dec z 0) as [H|H]; [left; apply IZR_le; lia | right; apply IZR_le; lia]. Qed.
Lemma natural_numbers (P : Z -> Prop) :
  P 0%Z -> (forall n, 0 <= IZR n -> P n -> P (n + 1)%Z) -> forall n, 0 <= IZR n -> P n.
Proof.
  intros base step n H. apply le_IZR in H. revert n H.
  apply natlike_ind; [exact base|]. intros n H Pn. unfold Z.succ. apply step; [apply IZR_le; exact H | exact Pn].
Qed.
Lemma to_nat_next (n : Z) : 0 <= IZR n -> Z.to_nat (n + 1) = S (Z.to_nat n).
Proof. intros H. apply le_IZR in H. rewrite Z2Nat.inj_add by lia. change (Z.to_nat 1) with 1%nat. lia. Qed.
Lemma of_to_nat (n : Z) : 0 <= IZR n -> Z.of_nat (Z.to_nat n) = n.
Proof. intros H. apply le_IZR in H. apply Z2Nat.id; exact H. Qed.

Ltac integers H := rewrite ?plus_IZR, ?minus_IZR, ?mult_IZR, ?opp_IZR in H.
Ltac given H :=
  first [ exact H | cbv beta; rewrite ?plus_IZR, ?minus_IZR, ?mult_IZR, ?opp_IZR; exact H ].
Ltac equal_arguments :=
  intros; repeat match goal with H : IZR _ = IZR _ |- _ => apply eq_IZR in H end;
  solve [ congruence | f_equal; congruence
        | repeat (f_equal; try congruence; try (apply eq_IZR; rewrite ?plus_IZR, ?minus_IZR, ?mult_IZR; lra)) ].
Ltac no_integer n := pose proof (no_integer_between n) as z; integers z; destruct z; [left|right]; lra.

(* --- the axioms on real powers hold for x^y = exp (y ln x) --- *)

Lemma Rpower_power_to_a_sum : forall base exponent other_exponent : R, 0 < base ->
  Rpower base (exponent + other_exponent) = Rpower base exponent * Rpower base other_exponent.
Proof. intros base exponent other_exponent _. apply Rpower_plus. Qed.
Lemma Rpower_power_of_a_product : forall base exponent other_base : R, 0 < base /\ 0 < other_base ->
  Rpower (base * other_base) exponent = Rpower base exponent * Rpower other_base exponent.
Proof. intros base exponent other_base [A B]. symmetry. apply Rpower_mult_distr; assumption. Qed.
Lemma Rpower_power_of_a_power : forall base exponent other_exponent : R, 0 < base ->
  Rpower (Rpower base exponent) other_exponent = Rpower base (exponent * other_exponent).
Proof. intros base exponent other_exponent _. apply Rpower_mult. Qed.
(* exp lies above its tangent at ln base, at 0 and at exponent ln base. *)
Lemma Rpower_Bernoulli : forall base exponent : R, 0 < base /\ 1 <= exponent ->
  1 + exponent * (base + -1 * 1) <= Rpower base exponent.
Proof.
  intros base exponent [A B]. unfold Rpower. pose (u := ln base). fold u.
  assert (T : forall y, base * (1 + (y - u)) <= exp y).
  { intros y. replace y with (u + (y - u)) at 2 by ring.
    rewrite exp_plus. unfold u at 2. rewrite exp_ln by exact A.
    apply Rmult_le_compat_l; [lra | apply exp_ineq1_le]. }
  assert (T1 := T (exponent * u)). assert (T0 := T 0). rewrite exp_0 in T0.
  assert (M := Rmult_le_compat_l (exponent - 1) _ _ ltac:(lra) T0). lra.
Qed.
