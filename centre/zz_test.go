package centre_test
import ("testing";"bailiwick/name";"encoding/json";"fmt";"bailiwick/accuracy/policy";"bailiwick/accuracy")
func TestZZ(t *testing.T){
 each(t, func(t *testing.T, dsn func() string) {
 r:=newRig(t,dsn(),askWorld,options{drive:swept})
 n,_:=name.Parse("aurora-login.shopx")
 rec,err:=r.Centre.Lookup(t.Context(),n,0,"")
 b,_:=json.MarshalIndent(rec,""," ")
 fmt.Println(string(b),err)
 set,_:=policy.Shipped(); p,_:=set.Get("waps-raa-2013")
 a,_,_:=p.Examine(rec,accuracy.Facts{},r.Clock.Now())
 for _,x:=range a.Worst(){ fmt.Println(x.Result,x.Verdict.Path,x.Verdict.Check,x.Verdict.Reason)}
 fmt.Println(r.Centre.Directory.TLDKind("shopx"))
 })
}
