package lab

// corrections are what a person at a registrar writes about registration data
// that are said to be wrong, by language and by the answer that is meant.
func corrections() map[string]map[string][]string {
	return map[string]map[string][]string{
		"en": {
			"received":     {"Thank you for your WHOIS inaccuracy report. We have forwarded it to the registrant, who has 15 days to respond.", "Your complaint about the contact data has been received. We have opened an inquiry with the registrant."},
			"corrected":    {"The registrant has updated the contact information. The changes are visible in WHOIS and RDAP now.", "The contact data have been corrected by our customer. We consider this matter closed."},
			"verified":     {"We contacted the registrant, who has confirmed that the information on file is accurate. No further action is needed.", "The data have been verified with the registrant and are correct."},
			"suspended":    {"The registrant failed to respond to our verification request. The domain name has been placed on clientHold.", "As we received no answer within 15 days, the domain has been suspended."},
			"unreachable":  {"We were unable to reach the registrant by the contact data on file. Our messages remained unanswered."},
			"need_more":    {"Please provide evidence of the inaccuracy, such as the bounce message or the returned letter. Without it we cannot start an investigation.", "Kindly specify which data elements are inaccurate and how you determined that."},
			"refused":      {"We do not act on inaccuracy reports of third parties. Such complaints have to be filed with ICANN.", "We have reviewed the registration and see no reason for any change."},
			"referred":     {"This domain is managed by one of our resellers. Please contact the reseller, or the registrant directly, concerning the contact data.", "For complaints about WHOIS data please use the form of ICANN at icann.org/compliance."},
			"no_authority": {"This domain is not registered through us. Please check the sponsoring registrar in WHOIS."},
		},
		"de": {
			"received":     {"vielen Dank für Ihren Hinweis zu den Kontaktdaten. Wir haben den Domaininhaber angeschrieben; er hat 15 Tage Zeit zu antworten."},
			"corrected":    {"der Inhaber hat seine Kontaktdaten berichtigt. Die Änderung ist bereits im WHOIS sichtbar."},
			"verified":     {"der Domaininhaber hat uns bestätigt, dass die hinterlegten Daten richtig sind. Der Vorgang ist damit abgeschlossen."},
			"suspended":    {"da der Inhaber nicht geantwortet hat, haben wir die Domain auf clientHold gesetzt."},
			"unreachable":  {"wir konnten den Inhaber unter den hinterlegten Kontaktdaten nicht erreichen."},
			"need_more":    {"bitte senden Sie uns einen Nachweis, zum Beispiel die Fehlermeldung der unzustellbaren Nachricht."},
			"refused":      {"wir haben den Vorgang geprüft und sehen keinen Anlass, die Daten zu ändern."},
			"referred":     {"die Domain wird von einem unserer Reseller betreut. Bitte wenden Sie sich an diesen oder direkt an den Inhaber."},
			"no_authority": {"diese Domain ist nicht bei uns registriert."},
		},
		"fr": {
			"received":     {"Nous avons bien reçu votre signalement et l'avons transmis au titulaire, qui dispose de 15 jours pour répondre."},
			"corrected":    {"Le titulaire a mis à jour ses coordonnées. La modification est visible dans le WHOIS."},
			"verified":     {"Le titulaire nous a confirmé que ses coordonnées sont exactes. Nous considérons le dossier comme clos."},
			"suspended":    {"Sans réponse du titulaire, nous avons suspendu le nom de domaine (clientHold)."},
			"unreachable":  {"Nous n'avons pas pu joindre le titulaire aux coordonnées enregistrées."},
			"need_more":    {"Merci de nous fournir une preuve de l'inexactitude, par exemple l'avis de non-remise."},
			"refused":      {"Après examen, nous ne donnerons pas suite à votre demande."},
			"referred":     {"Ce domaine est géré par l'un de nos revendeurs. Veuillez vous adresser à lui ou au titulaire."},
			"no_authority": {"Ce domaine n'est pas enregistré chez nous."},
		},
		"es": {
			"received":     {"Hemos recibido su aviso y lo hemos remitido al titular, que dispone de 15 días para responder."},
			"corrected":    {"El titular ha actualizado sus datos de contacto. El cambio ya es visible en WHOIS."},
			"verified":     {"El titular nos ha confirmado que los datos son correctos. Damos el asunto por cerrado."},
			"suspended":    {"Al no recibir respuesta del titular, hemos suspendido el dominio (clientHold)."},
			"unreachable":  {"No hemos podido contactar con el titular en los datos registrados."},
			"need_more":    {"Por favor, envíenos una prueba de la inexactitud, por ejemplo el mensaje devuelto."},
			"refused":      {"Tras revisar el caso, no vamos a modificar los datos."},
			"referred":     {"Este dominio lo gestiona uno de nuestros revendedores. Por favor, diríjase a él o al titular."},
			"no_authority": {"Este dominio no está registrado con nosotros."},
		},
		"pt": {
			"received":     {"Recebemos o seu aviso e encaminhámo-lo ao titular, que tem 15 dias para responder."},
			"corrected":    {"O titular atualizou os dados de contacto. A alteração já é visível no WHOIS."},
			"verified":     {"O titular confirmou-nos que os dados estão corretos. Consideramos o assunto encerrado."},
			"suspended":    {"Como o titular não respondeu, suspendemos o domínio (clientHold)."},
			"unreachable":  {"Não conseguimos contactar o titular pelos dados registados."},
			"need_more":    {"Por favor, envie-nos uma prova da incorreção, por exemplo a mensagem devolvida."},
			"refused":      {"Analisámos o pedido e não vamos alterar os dados."},
			"referred":     {"Este domínio é gerido por um dos nossos revendedores. Por favor, contacte-o ou ao titular."},
			"no_authority": {"Este domínio não está registado connosco."},
		},
		"zh": {
			"received":     {"我们已收到您关于联系信息不准确的举报，并已转交注册人，注册人须在15天内答复。"},
			"corrected":    {"注册人已更新联系信息，WHOIS 中现已显示更正后的内容。"},
			"verified":     {"注册人已向我们确认登记信息准确无误，此事已结案。"},
			"suspended":    {"由于注册人未在规定时间内答复，我们已将该域名置于 clientHold 状态。"},
			"unreachable":  {"我们无法通过登记的联系方式联系到注册人。"},
			"need_more":    {"请提供信息不准确的证据，例如退信通知。"},
			"refused":      {"经审核，我们不会更改该域名的登记信息。"},
			"referred":     {"该域名由我们的代理商管理，请直接联系代理商或注册人。"},
			"no_authority": {"该域名不在我们这里注册。"},
		},
	}
}
