package lab

import "bailiwick/abuse"

// tongues are the languages people write mails in.
var tongues = []string{"en", "de", "fr", "es", "pt", "zh"}

// reportWords are what somebody who reports by mail says.
type reportWords struct {
	hello, subject, intro, brand, forward, ask string
	kinds                                      map[abuse.Type]string
}

func reporting() map[string]reportWords {
	kinds := func(phishing, malware, botnet, spam, fraud, other string) map[abuse.Type]string {
		return map[abuse.Type]string{abuse.Phishing: phishing, abuse.Malware: malware, abuse.Botnet: botnet, abuse.Spam: spam, abuse.Fraud: fraud, "other": other}
	}
	return map[string]reportWords{
		"en": {"Hello,", "Report: %s", "I want to report %s. The address is:", "It pretends to be %s.", "I received the message below. It looks to me like %s.",
			"Please have it taken down. Thank you.", kinds("a phishing page", "malware", "a botnet server", "spam", "a fraudulent shop", "abuse")},
		"de": {"Guten Tag,", "Meldung: %s", "ich möchte %s melden. Die Adresse lautet:", "Die Seite gibt sich als %s aus.", "ich habe die folgende Nachricht bekommen. Sie führt wohl auf %s.",
			"Bitte sorgen Sie dafür, dass die Seite verschwindet. Vielen Dank.", kinds("eine Phishing-Seite", "Schadsoftware", "einen Botnetz-Server", "Spam", "einen Betrugsshop", "einen Missbrauch")},
		"fr": {"Bonjour,", "Signalement : %s", "je souhaite signaler %s. Voici l'adresse :", "Le site se fait passer pour %s.", "j'ai reçu le message ci-dessous ; il mène vers %s.",
			"Merci de faire le nécessaire.", kinds("une page de phishing (hameçonnage)", "un logiciel malveillant", "un serveur de botnet", "du spam", "une boutique frauduleuse", "un abus")},
		"es": {"Hola:", "Denuncia: %s", "quiero denunciar %s. La dirección es:", "Se hace pasar por %s.", "he recibido el mensaje de abajo. Creo que es %s.",
			"Por favor, retírenla. Gracias.", kinds("una página de phishing", "malware", "un servidor de botnet", "spam", "una tienda fraudulenta", "un abuso")},
		"pt": {"Olá,", "Denúncia: %s", "quero denunciar %s. O endereço é:", "Faz-se passar por %s.", "recebi a mensagem abaixo. Parece-me %s.",
			"Por favor, removam-na. Obrigado.", kinds("uma página de phishing", "malware", "um servidor de botnet", "spam", "uma loja fraudulenta", "um abuso")},
		"zh": {"您好：", "举报：%s", "我要举报%s。网址是：", "该网站冒充 %s。", "我收到了下面这封邮件，看起来是%s。",
			"请尽快处理，谢谢。", kinds("钓鱼网站 (phishing)", "恶意软件 (malware)", "僵尸网络服务器", "垃圾邮件", "诈骗商店", "滥用行为")},
	}
}

// replies are what a person at a party writes, by language and by the answer
// that is meant.
func replies() map[string]map[string][]string {
	return map[string]map[string][]string{
		"en": {
			"received":  {"Thank you for your report. We have received it and are looking into it.", "Got it, we are investigating and will come back to you."},
			"acted":     {"We have suspended the domain. Thank you for letting us know.", "The content has been removed and the account is closed.", "This has been taken down."},
			"referred":  {"Please contact the registrar of the domain, who is responsible for this.", "We cannot act on this ourselves. Please report it to the registrar or the hosting provider."},
			"refused":   {"We have reviewed your request and will not take action on it.", "After review we refuse to act: we see no violation of our terms."},
			"need_more": {"We need more information before we can act. Could you send us screenshots and the full headers?", "Can you please provide further evidence? We could not reproduce this."},
			"not_ours":  {"This is not ours: the domain is not registered with us.", "This customer is not hosted with us, the address does not belong to our network."},
		},
		"de": {
			"received":  {"vielen Dank für Ihre Meldung. Wir haben sie erhalten und prüfen den Vorgang."},
			"acted":     {"wir haben die Domain gesperrt.", "der Inhalt wurde entfernt, das Kundenkonto ist gesperrt."},
			"referred":  {"bitte wenden Sie sich an den Registrar der Domain, wir sind hierfür nicht zuständig."},
			"refused":   {"wir haben den Fall geprüft und werden nicht tätig. Einen Verstoß sehen wir nicht."},
			"need_more": {"wir benötigen weitere Informationen. Bitte senden Sie uns Bildschirmfotos und die genaue Adresse."},
			"not_ours":  {"diese Domain wird nicht von uns verwaltet, der Kunde ist nicht bei uns."},
		},
		"fr": {
			"received":  {"Nous avons bien reçu votre signalement et nous l'examinons."},
			"acted":     {"Nous avons suspendu le nom de domaine.", "Le contenu a été supprimé et le compte fermé."},
			"referred":  {"Veuillez contacter le bureau d'enregistrement du domaine, qui est compétent."},
			"refused":   {"Après examen, nous refusons d'intervenir : aucune infraction n'a été constatée."},
			"need_more": {"Nous avons besoin de plus d'informations. Pouvez-vous nous envoyer des captures d'écran ?"},
			"not_ours":  {"Ce domaine n'est pas géré par nos services, il ne s'agit pas d'un de nos clients."},
		},
		"es": {
			"received":  {"Hemos recibido su aviso y lo estamos revisando."},
			"acted":     {"Hemos suspendido el dominio.", "El contenido ha sido eliminado y la cuenta está cerrada."},
			"referred":  {"Por favor, póngase en contacto con el registrador del dominio."},
			"refused":   {"Tras revisar el caso, no vamos a tomar medidas: no vemos ninguna infracción."},
			"need_more": {"Necesitamos más información para poder actuar. ¿Puede enviarnos capturas de pantalla?"},
			"not_ours":  {"Este dominio no es nuestro: no está registrado con nosotros."},
		},
		"pt": {
			"received":  {"Recebemos a sua denúncia e estamos a analisá-la."},
			"acted":     {"Suspendemos o domínio.", "O conteúdo foi removido e a conta foi encerrada."},
			"referred":  {"Por favor, contacte o registrador do domínio."},
			"refused":   {"Após análise, recusamos agir: não vemos qualquer infração."},
			"need_more": {"Precisamos de mais informações para agir. Pode enviar capturas de ecrã?"},
			"not_ours":  {"Este domínio não é nosso, não está registado connosco."},
		},
		"zh": {
			"received":  {"我们已收到您的举报，正在处理。"},
			"acted":     {"我们已经暂停了该域名。", "相关内容已删除，账户已关闭。"},
			"referred":  {"请联系该域名的注册商处理。"},
			"refused":   {"经审核，我们拒绝处理：未发现违规行为。"},
			"need_more": {"我们需要更多信息才能处理，请提供截图和完整网址。"},
			"not_ours":  {"该域名不在我们这里注册，不属于我们的客户。"},
		},
	}
}

// machineWords are what programs, and the frames of people's mails, say.
type machineWords struct {
	auto, away, re, hello, regards, wrote string
	received, vacation, ticket            string
}

func automatic() map[string]machineWords {
	return map[string]machineWords{
		"en": {"Automatic reply", "Out of office", "Re", "Hello,", "Kind regards", "On %s UTC, %s wrote:",
			"Thank you for your message. This is an automatic confirmation that we have received it. A member of our team will look at it.",
			"I am out of the office until %s and will read your message when I am back.",
			"Your request has been received and has been assigned the ticket number %s. Please keep the number in the subject when you reply."},
		"de": {"Automatische Antwort", "Abwesenheitsnotiz", "AW", "Guten Tag,", "Mit freundlichen Grüßen", "Am %s UTC schrieb %s:",
			"Vielen Dank für Ihre Nachricht. Dies ist eine automatische Eingangsbestätigung.",
			"Ich bin bis zum %s nicht im Büro und lese Ihre Nachricht danach.",
			"Ihre Anfrage ist eingegangen und wird unter der Vorgangsnummer %s bearbeitet. Bitte lassen Sie die Nummer im Betreff stehen."},
		"fr": {"Réponse automatique", "Absence du bureau", "RE", "Bonjour,", "Cordialement", "Le %s UTC, %s a écrit :",
			"Merci pour votre message. Ceci est un accusé de réception automatique.",
			"Je suis absent jusqu'au %s et lirai votre message à mon retour.",
			"Votre demande a été enregistrée sous le numéro de ticket %s. Merci de conserver ce numéro dans l'objet."},
		"es": {"Respuesta automática", "Fuera de la oficina", "RE", "Hola:", "Un saludo", "El %s UTC, %s escribió:",
			"Gracias por su mensaje. Este es un acuse de recibo automático.",
			"Estoy fuera de la oficina hasta el %s y leeré su mensaje a mi regreso.",
			"Su solicitud ha sido recibida con el número de ticket %s. Conserve el número en el asunto."},
		"pt": {"Resposta automática", "Ausência do escritório", "RE", "Olá,", "Cumprimentos", "Em %s UTC, %s escreveu:",
			"Obrigado pela sua mensagem. Este é um aviso de receção automático.",
			"Estou ausente até %s e lerei a sua mensagem quando voltar.",
			"O seu pedido foi recebido com o número de ticket %s. Mantenha o número no assunto."},
		"zh": {"自动回复", "不在办公室", "回复", "您好：", "此致敬礼", "%s UTC，%s 写道：",
			"感谢您的来信，这是一封自动确认邮件，我们已收到您的邮件。",
			"我在 %s 之前不在办公室，回来后会阅读您的邮件。",
			"您的请求已收到，工单编号为 %s，回复时请在主题中保留该编号。"},
	}
}
