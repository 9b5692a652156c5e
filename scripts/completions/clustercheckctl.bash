# bash completion for clustercheckctl; a test compares it with clustercheckctl --help

_clustercheckctl() {
	local commands="status explain drain disable enable doctor check-config grants notify haproxy"
	local waiting="--json --wait --polls --timeout --as"
	local ordering="$waiting --reason --for --idle --no-sessions"
	local options="--config --socket $ordering --watch --user --host --help --version"
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local config=/etc/clustercheckd/clustercheckd.ini command= i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c | --config) config=${COMP_WORDS[++i]} ;;
		-s | --socket | --user | --host | --reason | --for | --polls | --timeout | --as) ((i++)) ;;
		-*) ;;
		*) command=${command:-${COMP_WORDS[i]}} ;;
		esac
	done
	case $previous in
	-c | --config | -s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$word")
		return
		;;
	--for)
		mapfile -t COMPREPLY < <(compgen -W "10m 30m 1h 2h" -- "$word")
		return
		;;
	--timeout)
		mapfile -t COMPREPLY < <(compgen -W "30s 60s 5m" -- "$word")
		return
		;;
	--reason | --polls | --as)
		COMPREPLY=()
		return
		;;
	--host)
		mapfile -t COMPREPLY < <(compgen -A hostname -- "$word")
		return
		;;
	esac
	if [[ $word == -* ]]; then
		case $command in
		"") ;;
		drain | disable) options="--config --socket $ordering" ;;
		enable) options="--config --socket $waiting" ;;
		notify) options="--socket --status" ;;
		status) options="--config --socket --json --watch" ;;
		grants) options="--config --socket --user --host" ;;
		*) options="--config --socket" ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
	elif [[ -z $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
	elif [[ $command == explain ]]; then
		mapfile -t COMPREPLY < <(
			compgen -W "/ /rw /ro $(
				sed -n 's/^\[endpoint \(\/[^]]*\)\].*/\1/p' "$config" 2>/dev/null
			)" -- "$word"
		)
	else
		COMPREPLY=()
	fi
}

complete -F _clustercheckctl clustercheckctl
